public import VersAPI
public import VersCore

/// What the front door asks of the domain.
public protocol FrontDoorDomain: Sendable {
    /// The VM that a DNS name is bound to; nil when it is bound to none.
    func machine(boundTo name: String) async throws -> MachineID?
    /// Nil when there is no such VM, or none any more.
    func reach(of machine: MachineID) async throws -> MachineReach?
    /// Whom an API key acts for.
    /// - Throws: `.unauthenticated`.
    func authenticate(_ key: String) async throws -> Principal
    /// Connects to something in or behind a guest. Who may do so was decided before.
    func dial(_ endpoint: GuestEndpoint, of machine: MachineID) async throws -> any GuestStream
}
