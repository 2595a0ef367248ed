/// What makes a guest a machine of its own.
public struct IdentityRequest: Equatable, Sendable {
    public var machineID: WireID
    public var entropy: [UInt8]
    /// Nanoseconds since 1970.
    public var wallClock: UInt64
    public var hostname: String
    public var authorizedKey: String
    public var sshHostKey: String
    public var environment: [EnvironmentVariable]
    public var dropsConnections: Bool

    public init(
        machineID: WireID,
        entropy: [UInt8],
        wallClock: UInt64,
        hostname: String,
        authorizedKey: String,
        sshHostKey: String,
        environment: [EnvironmentVariable],
        dropsConnections: Bool
    ) {
        self.machineID = machineID
        self.entropy = entropy
        self.wallClock = wallClock
        self.hostname = hostname
        self.authorizedKey = authorizedKey
        self.sshHostKey = sshHostKey
        self.environment = environment
        self.dropsConnections = dropsConnections
    }

    init(from reader: inout ByteReader) throws(ProtocolError) {
        machineID = try reader.readID("machine id")
        entropy = try reader.readBytes("entropy", limit: ProtocolLimits.entropyInBytes)
        wallClock = try reader.read("wall clock")
        hostname = try reader.readText("host name", limit: 64)
        authorizedKey = try reader.readText("authorized key", limit: 16 * 1024)
        sshHostKey = try reader.readText("host key", limit: 16 * 1024)
        environment = try reader.readEnvironment("environment")
        dropsConnections = try reader.readBool("drops connections")
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(machineID)
        writer.write(entropy)
        writer.write(wallClock)
        writer.write(hostname)
        writer.write(authorizedKey)
        writer.write(sshHostKey)
        writer.write(environment)
        writer.write(dropsConnections)
    }
}

public struct EnvironmentVariable: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

extension ByteWriter {
    mutating func write(_ environment: [EnvironmentVariable]) {
        write(UInt32(environment.count))
        for variable in environment {
            write(variable.name)
            write(variable.value)
        }
    }
}

extension ByteReader {
    mutating func readEnvironment(_ field: String) throws(ProtocolError) -> [EnvironmentVariable] {
        let count = try readCount(field, limit: ProtocolLimits.environmentVariables, minimumSize: 8)
        var environment: [EnvironmentVariable] = []
        environment.reserveCapacity(count)
        for _ in 0..<count {
            let name = try readText(field, limit: ProtocolLimits.textInBytes)
            environment.append(
                EnvironmentVariable(name: name, value: try readText(field, limit: ProtocolLimits.textInBytes))
            )
        }
        return environment
    }
}
