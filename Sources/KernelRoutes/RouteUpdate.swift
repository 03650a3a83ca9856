public import Forwarder

/// A plan that takes the former one's place.
public struct RouteUpdate: Sendable {
  /// Complete: the kernel's routes and the file's.
  public var plan: RoutePlan
  /// The lists that are not as they were in the former plan. Next hops and routers may differ in any case; the numbers in lists
  /// that are as they were still mean what they meant.
  public var changes: RouteChanges
}

/// What a follower has, and what has happened to it.
public struct KernelRouteStatistics: Hashable, Sendable {
  /// Prefixes that have a route.
  public var ipv4Routes = 0
  public var ipv6Routes = 0
  /// Neighbours whose MAC address is known, on all devices.
  public var neighbours = 0
  /// Plans that were made.
  public var plans: UInt64 = 0
  /// How often the kernel's routes were read from the beginning.
  public var dumps: UInt64 = 0
  /// How often messages were lost for want of room, and everything was read anew.
  public var losses: UInt64 = 0
  /// Messages that were refused.
  public var malformed: UInt64 = 0
  /// Neighbours that the kernel was asked to look for, or to verify.
  public var resolutions: UInt64 = 0
}
