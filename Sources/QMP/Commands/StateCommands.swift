/// Gives the descriptor that is passed along with the command a name.
public struct GetFD: QMPCommand {
    public static let name = "getfd"
    public var fdname: String
    public init(fdname: String) { self.fdname = fdname }
}

/// Starts to load the incoming state of a machine that waits (`-incoming defer`). Its end is an event.
public struct MigrateIncoming: QMPCommand {
    public static let name = "migrate-incoming"
    public var uri: String
    public init(uri: String) { self.uri = uri }
}

/// Writes the state of all devices, without RAM, to a file, as a migration stream.
public struct XenSaveDevicesState: QMPCommand {
    public static let name = "xen-save-devices-state"
    public var filename: String
    /// True would let go of the disks.
    public var live = false
    public init(filename: String) { self.filename = filename }
}

/// Loads such a file into a machine that is stopped.
public struct XenLoadDevicesState: QMPCommand {
    public static let name = "xen-load-devices-state"
    public var filename: String
    public init(filename: String) { self.filename = filename }
}

public struct QueryMigrate: QMPCommand {
    public struct Response: Decodable, Sendable, Hashable {
        public var status: String?
        public var errorDescription: String?

        enum CodingKeys: String, CodingKey {
            case status
            case errorDescription = "error-desc"
        }
    }

    public static let name = "query-migrate"
    public init() {}
}
