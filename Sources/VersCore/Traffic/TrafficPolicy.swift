public import VersAPI

/// What connections do to a VM. A child has its parent's.
public struct TrafficPolicy: Sendable, Hashable, Codable {
    /// Whether a connection lets the VM run when it is paused or asleep.
    public var wakes: Bool
    /// Seconds without a connection after which it rests again; nil means the server's.
    public var idleTimeoutSeconds: Int?
    /// The state that a connection took it out of, to which it returns when nobody uses it any more. Nil while it runs
    /// because somebody asked for it.
    public var returnsTo: MachineState?

    public init(wakes: Bool = false, idleTimeoutSeconds: Int? = nil, returnsTo: MachineState? = nil) {
        self.wakes = wakes
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.returnsTo = returnsTo
    }

    /// What a child of a VM with this one has.
    var ofChild: TrafficPolicy { TrafficPolicy(wakes: wakes, idleTimeoutSeconds: idleTimeoutSeconds) }
}
