import Forwarder
import TenantAPI
import XSKEngine

extension TenantPolicy {
  /// With a tenant's own limits (CNI's capability `bandwidth`) where they are lower than the policy's.
  ///
  /// - Throws: rates out of range.
  func limited(by bandwidth: AttachRequest.Bandwidth?) throws(XSKError) -> TenantPolicy {
    var policy = self
    if let rate = bandwidth?.ingressRate {
      policy.ingress.bits = try Self.lower(policy.ingress.bits, rate, bandwidth?.ingressBurst)
    }
    if let rate = bandwidth?.egressRate {
      policy.egress.bits = try Self.lower(policy.egress.bits, rate, bandwidth?.egressBurst)
    }
    return policy
  }

  private static func lower(_ limit: RateLimit?, _ rate: UInt64, _ burst: UInt64?) throws(XSKError) -> RateLimit {
    let own = try RateLimit(.bits, perSecond: Int(clamping: rate), burst: burst.map { Int(clamping: $0) })
    return limit.map { $0.perSecond <= own.perSecond ? $0 : own } ?? own
  }
}
