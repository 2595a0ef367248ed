public import VersAPI

extension MachineService {
    /// Opens a TCP connection inside a VM's guest, whosever it is: access was decided before. Waits while the VM boots.
    /// - Throws: what ``GuestSession/dial(_:)`` does; `.notFound` for no VM, `.conflict` with what to do when it does
    ///   not run.
    public func dial(_ endpoint: GuestEndpoint, of id: MachineID) async throws -> any GuestStream {
        let machine = try await settled(record(id), skipWaitBoot: false)
        return try await session(of: machine).dial(endpoint)
    }
}
