/// A fixed number of elements that may be noncopyable, on the heap, reached in place.
///
/// Its elements are mutated where they lie: no copy, no reference count, no exclusivity check. Every access is
/// bounds-checked.
@frozen @safe public struct FixedArray<Element: ~Copyable>: ~Copyable {
  // Safe: owned here, initialised up to `count`, every subscript checked.
  @usableFromInline let base: UnsafeMutablePointer<Element>
  public let count: Int

  /// Makes `count` elements, first to last.
  public init(count: Int, make: (Int) throws(XSKError) -> Element) throws(XSKError) {
    let base = UnsafeMutablePointer<Element>.allocate(capacity: count)
    for index in 0..<count {
      do throws(XSKError) {
        unsafe (base + index).initialize(to: try make(index))
      } catch {
        unsafe base.deinitialize(count: index)
        unsafe base.deallocate()
        throw error
      }
    }
    unsafe self.base = base
    self.count = count
  }

  deinit {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  @inlinable public subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress {
      precondition(index >= 0 && index < count)
      return unsafe UnsafePointer(base + index)
    }
    @inline(__always) unsafeMutableAddress {
      precondition(index >= 0 && index < count)
      return unsafe base + index
    }
  }
}

extension FixedArray where Element: BitwiseCopyable {
  /// `count` copies of `value`.
  public init(repeating value: Element, count: Int) {
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: value, count: count)
    self.count = count
  }
}
