/// Stops the vCPUs and flushes the disks.
public struct Stop: QMPCommand {
    public static let name = "stop"
    public init() {}
}

public struct Continue: QMPCommand {
    public static let name = "cont"
    public init() {}
}

/// Ends QEMU.
public struct Quit: QMPCommand {
    public static let name = "quit"
    public init() {}
}

/// Presses the power button.
public struct SystemPowerdown: QMPCommand {
    public static let name = "system_powerdown"
    public init() {}
}

public struct QueryStatus: QMPCommand {
    public struct Response: Decodable, Sendable, Hashable {
        /// A member of QEMU's `RunState`.
        public var status: String
        public var running: Bool
    }

    public static let name = "query-status"
    public init() {}
}
