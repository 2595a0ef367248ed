public import VersAPI

/// What the routes ask of the way into guests.
public protocol FrontDoorOperations: Sendable {
    /// How to reach it. Waits until it listens, or cannot.
    func description() async -> FrontDoorResponse
    /// What it has had to do since the daemon started.
    var counters: FrontDoorCounters { get }
}
