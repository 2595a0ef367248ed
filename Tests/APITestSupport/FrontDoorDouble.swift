public import Foundation
public import VersAPI
public import VersCore
public import VersServer

/// A front door that is open, and that nobody uses.
public struct FrontDoorDouble: FrontDoorOperations, ExposureOperations {
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

    public func link(to machine: MachineID, port: UInt16?, validUntil expiry: Date) async throws -> String {
        "https://\(machine)/"
    }

    public func exposure(of id: MachineID, for principal: Principal) async throws -> Exposure {
        Exposure(is_private: false)
    }

    public func setExposure(_ exposure: Exposure, of id: MachineID, for principal: Principal) async throws {}

    public var counters: FrontDoorCounters { FrontDoorCounters() }
}
