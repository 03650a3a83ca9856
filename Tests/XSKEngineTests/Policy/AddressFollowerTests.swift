import Testing

@testable import XSKEngine

@Suite("Own addresses") struct AddressFollowerTests {
  /// RTM_NEWADDR or another message with attributes behind struct ifaddrmsg.
  private func message(type: UInt16 = 20, _ attributes: [(UInt16, [UInt8])]) -> NetlinkMessage {
    var body = [UInt8](repeating: 0, count: 8)
    for (type, value) in attributes {
      body.append(native: UInt16(4 + value.count))
      body.append(native: type)
      body += value
      body.pad()
    }
    return NetlinkMessage(type: type, sequence: 1, body: body[...])
  }

  private static let six: [UInt8] = [0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

  @Test func `an address message gives the address of this end`() {
    #expect(AddressFollower.address(message([(1, [10, 0, 0, 1]), (2, [10, 0, 0, 1])]))?.description == "10.0.0.1")
    // Point to point: attribute 1 is the other end's.
    #expect(AddressFollower.address(message([(1, [10, 0, 0, 2]), (2, [10, 0, 0, 1])]))?.description == "10.0.0.1")
    #expect(AddressFollower.address(message([(1, Self.six)]))?.description == "fd07::1")
  }

  @Test func `what is no address, or none that is whole, gives none`() {
    #expect(AddressFollower.address(message(type: 16, [(2, [10, 0, 0, 1])])) == nil)
    #expect(AddressFollower.address(message([])) == nil)
    #expect(AddressFollower.address(message([(2, [10, 0, 0])])) == nil)
    #expect(AddressFollower.address(NetlinkMessage(type: 20, sequence: 1, body: [1, 2])) == nil)
  }
}
