/// A fixed number of elements that may be noncopyable, on the heap, reached in place.
///
/// Its elements are mutated where they lie: no copy, no reference count, no exclusivity check. Every access is
/// bounds-checked, by one comparison: no number less than 0 is less than `count` without its sign.
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

  @inlinable deinit {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// The elements, for reading.
  @inlinable public var span: Span<Element> {
    @inline(__always) @_lifetime(borrow self) get {
      // Safe: initialised up to `count`, and borrowed as long as the span lives.
      unsafe _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
    }
  }

  @inlinable public subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return unsafe UnsafePointer(base + index)
    }
    @inline(__always) unsafeMutableAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return unsafe base + index
    }
  }
}

extension FixedArray where Element: BitwiseCopyable {
  /// The elements as a plain value that stays in registers through a loop. Bounds are checked as in the array itself.
  @inlinable var view: View { unsafe View(base: base, count: count) }

  @frozen @safe @usableFromInline struct View: BitwiseCopyable {
    // Safe: every place is checked; the array outlives the loop that the view is made for.
    @usableFromInline let base: UnsafeMutablePointer<Element>
    @usableFromInline let count: Int

    @inlinable init(base: UnsafeMutablePointer<Element>, count: Int) {
      unsafe self.base = base
      self.count = count
    }

    @inlinable subscript(index: Int) -> Element {
      @inline(__always) get {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        return unsafe base[index]
      }
      @inline(__always) nonmutating set {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        unsafe base[index] = newValue
      }
    }

    /// The elements of a range, for a loop without checks.
    @inlinable @inline(__always) @unsafe func piece(_ range: Range<Int>) -> UnsafeBufferPointer<Element> {
      precondition(UInt(bitPattern: range.upperBound) <= UInt(bitPattern: count))
      return unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    @inlinable @inline(__always) @unsafe func mutablePiece(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Element> {
      precondition(UInt(bitPattern: range.upperBound) <= UInt(bitPattern: count))
      return unsafe UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    /// Sets the first `count` elements.
    @inlinable func fill(_ value: Element, count: Int) {
      precondition(UInt(bitPattern: count) <= UInt(bitPattern: self.count))
      unsafe base.update(repeating: value, count: count)
    }
  }

  /// The elements of an array.
  public init(_ elements: [Element]) {
    unsafe base = .allocate(capacity: elements.count)
    count = elements.count
    for (index, element) in elements.enumerated() { unsafe (base + index).initialize(to: element) }
  }

  /// `count` copies of `value`.
  public init(repeating value: Element, count: Int) {
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: value, count: count)
    self.count = count
  }
}

extension FixedArray<UInt8> {
  /// Calls `body` with a piece of the array as bytes.
  ///
  /// - Precondition: the piece lies in the array.
  @inlinable public mutating func withBytes<Result>(
    _ start: Int, _ length: Int, _ body: (inout MutableRawSpan) -> Result
  ) -> Result {
    precondition(start >= 0 && length >= 0 && start <= count && length <= count - start)
    // Safe: the piece was checked, and the array is borrowed mutably as long as the span lives.
    var span = unsafe MutableRawSpan(_unsafeStart: base + start, byteCount: length)
    return body(&span)
  }
}
