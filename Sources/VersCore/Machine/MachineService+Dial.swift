public import VersAPI

extension MachineService {
    /// Opens a TCP connection inside a VM's guest, whosever it is: access was decided before. Waits while the VM boots; a
    /// VM that traffic wakes is woken first, and stays awake while the connection exists.
    /// - Throws: what ``GuestSession/dial(_:)`` does; `.notFound` for no VM, `.conflict` with what to do when it does
    ///   not run.
    public func dial(_ endpoint: GuestEndpoint, of id: MachineID) async throws -> any GuestStream {
        _ = try await settled(record(id), skipWaitBoot: false)
        let use = domain.traffic.use(id)
        let found = try await record(id)
        use.idleTime = domain.idleTime(of: found)
        let machine = try await awake(found, use)
        return CountedStream(try await session(of: machine).dial(endpoint), use)
    }
}
