public import VersAPI

/// What connections do to a VM. A child has its parent's.
public struct TrafficPolicy: Sendable, Hashable, Codable {
    /// Whether a connection lets the VM run when it is paused or asleep.
    public var wakes: Bool
    /// The state that a connection took it out of, to which it returns when nobody uses it any more. Nil while it runs
    /// because somebody asked for it.
    public var returnsTo: MachineState?

    public init(wakes: Bool = false, returnsTo: MachineState? = nil) {
        self.wakes = wakes
        self.returnsTo = returnsTo
    }
}
