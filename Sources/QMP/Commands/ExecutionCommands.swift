/// Stops the vCPUs and flushes the disks.
public struct Stop: QMPCommand {
    public static let name = "stop"
    public init() {}
}

public struct Continue: QMPCommand {
    public static let name = "cont"
    public init() {}
}

/// Sets a property of an object in QEMU's tree.
public struct SetProperty: QMPCommand {
    public static let name = "qom-set"
    public var path: String
    public var property: String
    public var value: String

    public init(path: String, property: String, value: String) {
        self.path = path
        self.property = property
        self.value = value
    }
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
