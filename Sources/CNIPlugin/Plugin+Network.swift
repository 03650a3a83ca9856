import TenantAPI

extension Plugin {
  /// Whether a container could be attached now.
  func status() throws(CNIError) {
    let availability: NodeAvailability
    do throws(DaemonError) { availability = try daemon.availability() } catch {
      var reason = failure(error)
      reason.code = .notAvailable
      throw reason
    }
    if try configuration.tier == .physicalQueue {
      try requireQueues(availability.queues ?? [], try configuration.quota?.sockets ?? 1)
    } else {
      try requireSlot(availability)
    }
    do throws(CNIError) {
      try DelegatedIPAM(configuration, environment)?.perform(.status)
    } catch {
      // Whatever it calls it, without addresses nothing can be attached.
      throw CNIError(
        error.code == .notAvailableAndDegraded ? error.code : .notAvailable, error.message, details: error.details)
    }
  }

  private func requireSlot(_ availability: NodeAvailability) throws(CNIError) {
    guard availability.dataplane.state == "running" else {
      throw CNIError(
        .notAvailableAndDegraded,
        "xskd: its dataplane is \(availability.dataplane.state): packets don't flow; see journalctl -u xskd")
    }
    guard availability.slots.used < availability.slots.capacity else {
      throw CNIError(
        .notAvailable,
        "xskd: all \(availability.slots.capacity) slots are in use; raise capacity.tenants in its configuration")
    }
  }

  /// Neither slots nor the dataplane matter to whoever has physical queues. They all come from one device.
  private func requireQueues(_ pools: [QueuePoolStatus], _ count: Int) throws(CNIError) {
    let asked = try deviceID
    let pools = pools.filter { pool in asked.map(pool.isCalled) ?? true }
    guard !pools.isEmpty else {
      throw CNIError(
        .notAvailable,
        "xskd: \(asked.map { "\($0): none" } ?? "no device") of those whose queues containers can have; "
          + "name it under queues in its configuration")
    }
    guard !pools.contains(where: { $0.free >= count }) else { return }
    let reasons = pools.map {
      $0.problem
        ?? ("\($0.device): " + ($0.free == 0 ? "none" : "\($0.free), and not \(count),")
          + " of its \($0.queues.count) queues \($0.free > 1 ? "are" : "is") free; detach a container, or name more in its configuration")
    }
    throw CNIError(.notAvailable, "xskd: \(reasons[0])", details: reasons.dropFirst().joined(separator: "; "))
  }

  /// Ends all attachments of this network but those that are valid. Does what it can, and says what it could not.
  func collect() throws(CNIError) {
    let valid = try configuration.validAttachments
    var problems: [CNIError] = []
    do throws(DaemonError) {
      for tenant in try daemon.tenants() where tenant.network == configuration.name && !valid.contains(tenant.id) {
        do throws(DaemonError) { try daemon.detach(tenant.id) } catch { problems.append(failure(error)) }
      }
    } catch {
      problems.append(failure(error))
    }
    // Addresses of attachments that could not be ended stay theirs.
    if problems.isEmpty {
      do throws(CNIError) { try DelegatedIPAM(configuration, environment)?.perform(.collect) } catch {
        problems.append(error)
      }
    }
    guard var first = problems.first else { return }
    first.details = problems.dropFirst().map(\.message).joined(separator: "; ")
    throw first
  }
}
