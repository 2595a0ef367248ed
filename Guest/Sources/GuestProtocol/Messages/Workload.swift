/// How an image that was made from a container image wants to run: a file that the initramfs brings.
public struct Workload: Equatable, Sendable {
    /// In the initramfs.
    public static let path = "/workload"
    /// The id of the command in every VM; `attach` follows it.
    public static let id = WireID(high: 0, low: 1)
    private static let format: UInt8 = 1

    /// The image's init, which then runs in place of ``arguments``; empty when there is none.
    public var initPath: String
    /// The command; empty when the image has none.
    public var arguments: [String]
    public var environment: [EnvironmentVariable]
    /// Empty: the root.
    public var directory: String
    /// A name or a number, and a group behind a colon; empty: root.
    public var user: String
    /// What asks the command to end.
    public var stopSignal: Int32

    public init(
        initPath: String,
        arguments: [String],
        environment: [EnvironmentVariable],
        directory: String,
        user: String,
        stopSignal: Int32
    ) {
        self.initPath = initPath
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.user = user
        self.stopSignal = stopSignal
    }

    public init(decoding bytes: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(bytes)
        let format = try reader.read("format", as: UInt8.self)
        guard format == Self.format else { throw .invalidValue(field: "format", value: UInt64(format)) }
        initPath = try reader.readText("init", limit: ProtocolLimits.pathInBytes)
        let count = try reader.readCount("arguments", limit: ProtocolLimits.arguments, minimumSize: 4)
        arguments = []
        for _ in 0..<count { arguments.append(try reader.readText("argument", limit: ProtocolLimits.textInBytes)) }
        environment = try reader.readEnvironment("environment")
        directory = try reader.readText("directory", limit: ProtocolLimits.pathInBytes)
        user = try reader.readText("user", limit: ProtocolLimits.pathInBytes)
        stopSignal = try reader.read("stop signal")
        try reader.finish()
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.format)
        writer.write(initPath)
        writer.write(UInt32(arguments.count))
        for argument in arguments { writer.write(argument) }
        writer.write(environment)
        writer.write(directory)
        writer.write(user)
        writer.write(stopSignal)
        return writer.bytes
    }

    /// Whether it can be decoded again, and run.
    public var fits: Bool {
        let texts = arguments + environment.flatMap { [$0.name, $0.value] }
        return arguments.count <= ProtocolLimits.arguments
            && environment.count <= ProtocolLimits.environmentVariables
            && texts.allSatisfy { $0.utf8.count <= ProtocolLimits.textInBytes }
            && directory.utf8.count <= ProtocolLimits.pathInBytes && user.utf8.count <= ProtocolLimits.pathInBytes
            && encoded().count < ProtocolLimits.messageInBytes
    }
}
