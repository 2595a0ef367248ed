public import SystemPackage

/// Where a daemon that runs as root keeps its machines apart from the host and from one another.
public struct ConfinementConfiguration: Sendable {
    /// The instance's directory. Files in it that machines have no business with are closed to them.
    public var home: FilePath
    /// The directories in `home` whose entries are machines' directories.
    public var machineRoots: [FilePath]
    /// The directories in `home` that machines read from.
    public var sources: [FilePath]
    public var users: MachineUserRange
    /// What the names of its control groups begin with.
    public var groupPrefix: String

    public init(
        home: FilePath,
        machineRoots: [FilePath],
        sources: [FilePath],
        users: MachineUserRange,
        groupPrefix: String
    ) {
        self.home = home
        self.machineRoots = machineRoots
        self.sources = sources
        self.users = users
        self.groupPrefix = groupPrefix
    }
}

/// Whether machines are confined.
public struct ConfinementPreference: Sendable {
    public var configuration: ConfinementConfiguration
    /// Whether the daemon starts where it cannot be had.
    public var isOptional: Bool

    public init(_ configuration: ConfinementConfiguration, isOptional: Bool) {
        self.configuration = configuration
        self.isOptional = isOptional
    }
}
