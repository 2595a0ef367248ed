public import Foundation
public import VersAPI
public import VersCore

/// What the routes ask of the way into guests.
public protocol FrontDoorOperations: Sendable {
    /// How to reach it. Waits until it listens, or cannot.
    func description() async -> FrontDoorResponse
    /// What it has had to do since the daemon started.
    var counters: FrontDoorCounters { get }
    /// An address under which whoever has it may use a port of a private VM.
    /// - Throws: `.unavailable` when the front door does not listen.
    func link(to machine: MachineID, port: UInt16?, validUntil expiry: Date) async throws -> String
}

/// What the routes ask of the domain about who may connect to a VM's ports.
public protocol ExposureOperations: Sendable {
    func exposure(of id: MachineID, for principal: Principal) async throws -> Exposure
    func setExposure(_ exposure: Exposure, of id: MachineID, for principal: Principal) async throws
}

extension MachineService: ExposureOperations {}
