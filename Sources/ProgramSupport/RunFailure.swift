/// Something that went wrong after the start had succeeded: exit status 1.
public struct RunFailure: Error {
  public let reason: any Error

  public init(_ reason: any Error) { self.reason = (reason as? RunFailure)?.reason ?? reason }
}
