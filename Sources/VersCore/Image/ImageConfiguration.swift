/// How an image wants to be run. Stored beside its disk, not in it.
public struct ImageConfiguration: Codable, Sendable, Equatable {
    public var entrypoint: [String]
    public var command: [String]
    /// `NAME=value`.
    public var environment: [String]
    public var workingDirectory: String
    /// A name or a number, and a group behind a colon.
    public var user: String
    /// For example `80/tcp`.
    public var exposedPorts: [String]
    public var stopSignal: String

    public init(
        entrypoint: [String] = [],
        command: [String] = [],
        environment: [String] = [],
        workingDirectory: String = "",
        user: String = "",
        exposedPorts: [String] = [],
        stopSignal: String = ""
    ) {
        self.entrypoint = entrypoint
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.exposedPorts = exposedPorts
        self.stopSignal = stopSignal
    }

    /// What is run: the entry point with the command as its arguments.
    public var arguments: [String] { entrypoint + command }
}
