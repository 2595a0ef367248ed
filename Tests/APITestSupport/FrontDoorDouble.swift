public import VersAPI
public import VersServer

/// A front door that is open, and that nobody uses.
public struct FrontDoorDouble: FrontDoorOperations {
    public init() {}

    public func description() async -> FrontDoorResponse {
        FrontDoorResponse(
            is_listening: true,
            address: "127.0.0.1",
            port: 8443,
            domain: "vers.localhost",
            extra_ports: [5432],
            ca_certificate: "PEM",
            problem: nil
        )
    }

    public var counters: FrontDoorCounters { FrontDoorCounters() }
}
