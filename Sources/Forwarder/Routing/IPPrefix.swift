import Glibc
public import XSKEngine

/// An IP prefix: an address whose bits behind the first `length` are 0.
///
/// Addresses are numbers in host order, as `FlowKey` gives them: `UInt32` for IPv4, `UInt128` for IPv6.
public struct IPPrefix<Address: IPAddressNumber>: Hashable, Sendable, CustomStringConvertible {
  public let address: Address
  /// 0…32 for IPv4, 0…128 for IPv6.
  public let length: UInt8

  /// - Throws: a length out of range, or an address with bits set behind it: most likely a typing error.
  public init(_ address: Address, length: Int) throws(XSKError) {
    guard (0...Address.bitWidth).contains(length) else {
      throw XSKError(
        "\(address.addressText)/\(length)", "no \(Address.versionName) prefix",
        remedy: "its length must be 0 to \(Address.bitWidth)")
    }
    self.init(masking: address, length: length)
    guard self.address == address else {
      throw XSKError(
        "\(address.addressText)/\(length)", "has address bits set behind the prefix", remedy: "write \(self)")
    }
  }

  /// The prefix of `length` bits that an address is in.
  ///
  /// - Precondition: `length` is in range.
  public init(masking address: Address, length: Int) {
    precondition((0...Address.bitWidth).contains(length))
    self.address = address & ~Self.hostBits(length)
    self.length = UInt8(length)
  }

  /// Reads `10.0.0.0/8`, `fd00::/8`; an address alone is a prefix of one address.
  ///
  /// - Throws: what is not a prefix of this IP version, as `init(_:length:)` too.
  public init(_ text: some StringProtocol) throws(XSKError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = Address(addressText: String(parts[0])) else {
      throw XSKError(
        String(text), "no \(Address.versionName) prefix", remedy: "write it like \(Address.examplePrefix)")
    }
    var length = Address.bitWidth
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(parts[1]) else {
        throw XSKError(
          String(text), "no \(Address.versionName) prefix", remedy: "write it like \(Address.examplePrefix)")
      }
      length = number
    }
    try self.init(address, length: length)
  }

  /// The last address that is in it.
  public var last: Address { address | Self.hostBits(Int(length)) }

  public func contains(_ address: Address) -> Bool { address & ~Self.hostBits(Int(length)) == self.address }

  public var description: String { "\(address.addressText)/\(length)" }

  /// The bits behind a prefix of `length` bits, set. A smart shift: by the whole width it gives 0.
  static func hostBits(_ length: Int) -> Address { Address.max >> length }
}

/// What the two versions' addresses differ in: `UInt32` and `UInt128`, nothing else.
public protocol IPAddressNumber: FixedWidthInteger, UnsignedInteger, BitwiseCopyable, Sendable {
  /// "IPv4" or "IPv6".
  static var versionName: String { get }
  static var examplePrefix: String { get }
  /// Reads an address as inet_pton(3) does; nil if it isn't one.
  init?(addressText: String)
  /// The address as inet_ntop(3) writes it.
  var addressText: String { get }
}

extension UInt32: IPAddressNumber {
  public static var versionName: String { "IPv4" }
  public static var examplePrefix: String { "192.0.2.0/24" }

  public init?(addressText: String) {
    var address = in_addr()
    // inet_pton() writes the four bytes that an in_addr has.
    guard unsafe inet_pton(AF_INET, addressText, &address) == 1 else { return nil }
    self = UInt32(bigEndian: address.s_addr)
  }

  public var addressText: String {
    (0..<4).map { String(self >> (24 - 8 * UInt32($0)) & 0xFF) }.joined(separator: ".")
  }
}

extension UInt128: IPAddressNumber {
  public static var versionName: String { "IPv6" }
  public static var examplePrefix: String { "2001:db8::/32" }

  public init?(addressText: String) {
    var number: UInt128 = 0
    // inet_pton() writes sixteen bytes.
    guard unsafe inet_pton(AF_INET6, addressText, &number) == 1 else { return nil }
    self.init(bigEndian: number)
  }

  public var addressText: String {
    var number = bigEndian
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // inet_ntop() reads sixteen bytes, and writes at most INET6_ADDRSTRLEN with the terminating zero.
    unsafe inet_ntop(AF_INET6, &number, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

public typealias IPv4Prefix = IPPrefix<UInt32>
public typealias IPv6Prefix = IPPrefix<UInt128>
