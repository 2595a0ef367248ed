/// A command to start and to follow on the channel of the request.
public struct SpawnRequest: Equatable, Sendable {
    public var id: WireID
    public var arguments: [String]
    public var environment: [EnvironmentVariable]
    /// Empty: root's home.
    public var directory: String
    public var stdin: [UInt8]
    /// Whether `input` requests follow. Otherwise stdin ends behind ``stdin``.
    public var keepsInputOpen: Bool
    public var terminal: CellSize?
    /// Milliseconds; 0 means no limit.
    public var timeout: UInt64

    public init(
        id: WireID,
        arguments: [String],
        environment: [EnvironmentVariable] = [],
        directory: String = "",
        stdin: [UInt8] = [],
        keepsInputOpen: Bool = false,
        terminal: CellSize? = nil,
        timeout: UInt64 = 0
    ) {
        self.id = id
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.stdin = stdin
        self.keepsInputOpen = keepsInputOpen
        self.terminal = terminal
        self.timeout = timeout
    }

    init(from reader: inout ByteReader) throws(ProtocolError) {
        id = try reader.readID("exec id")
        let count = try reader.readCount("arguments", limit: ProtocolLimits.arguments, minimumSize: 4)
        arguments = []
        for _ in 0..<count { arguments.append(try reader.readText("argument", limit: ProtocolLimits.textInBytes)) }
        environment = try reader.readEnvironment("environment")
        directory = try reader.readText("directory", limit: ProtocolLimits.pathInBytes)
        stdin = try reader.readBytes("stdin", limit: ProtocolLimits.inputInBytes)
        keepsInputOpen = try reader.readBool("keeps input open")
        terminal = try reader.readBool("terminal") ? CellSize(from: &reader) : nil
        timeout = try reader.read("timeout")
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(id)
        writer.write(UInt32(arguments.count))
        for argument in arguments { writer.write(argument) }
        writer.write(environment)
        writer.write(directory)
        writer.write(stdin)
        writer.write(keepsInputOpen)
        writer.write(terminal != nil)
        terminal?.encode(into: &writer)
        writer.write(timeout)
    }
}

/// The size of a terminal in character cells.
public struct CellSize: Equatable, Sendable {
    public var columns: UInt16
    public var rows: UInt16

    public init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }

    init(from reader: inout ByteReader) throws(ProtocolError) {
        columns = try reader.read("columns")
        rows = try reader.read("rows")
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(columns)
        writer.write(rows)
    }
}
