/// A call of the host. The first byte is the operation; 65 to 79 are kept for forwarding of TCP connections.
public enum Request: Equatable, Sendable {
    /// Reply: empty.
    case ping
    /// Reply: empty, when everything is in force.
    case applyIdentity(IdentityRequest)
    /// Reply: empty, when init has started what it starts at boot.
    case waitUntilSettled
    /// Reply: empty, when the process exists; then output, then exit.
    case spawn(SpawnRequest)
    /// The same with the agent's own busybox, which needs nothing of the image; the arguments begin with the name of its
    /// tool. Nothing of the output is kept, and the command gets SIGHUP when the channel is closed before its end.
    case spawnTool(SpawnRequest)
    /// Follows a command behind `cursor` (0: from the oldest record that is left), or from now on. Reply: empty;
    /// then output, then exit.
    case attach(WireID, cursor: UInt64, fromLatest: Bool)
    /// Reply: empty, when the process has taken the bytes.
    case input(WireID, [UInt8], end: Bool)
    /// Reply: empty.
    case resizeTerminal(WireID, CellSize)
    /// To the process group. Reply: empty.
    case signal(WireID, Int32)
    /// Reply: ``LogPageReply``.
    case logs(offset: UInt64, maximumEntries: UInt32, stream: RecordStream?)
    /// Reply: data frames, the last with ``FrameFlags/end``.
    case readFile(path: String, limit: UInt64)
    /// Data frames of the host follow, `size` bytes in all, the last with ``FrameFlags/end``. Reply: empty, when
    /// the file is on disk.
    case writeFile(path: String, mode: UInt32, createDirectories: Bool, size: UInt64)
    /// Reply: the size in MiB as `u64`.
    case growRootFilesystem
    /// Reply: empty, when init was asked.
    case powerOff
    /// Runs the image's command, once in the life of a boot. Reply: empty, when it runs or cannot; the console says
    /// what became of it.
    case startWorkload
    /// Opens a TCP connection: to the guest itself, whatever address something listens on, or to `host` (a name or an
    /// address, empty for none). Reply: empty, when it is established. Then data both ways; ``FrameFlags/end`` ends a
    /// direction, `failure` says that the connection broke. A `cancel` resets it, unless the host has ended its
    /// direction: what it has sent is then still delivered.
    case dial(host: String, port: UInt16)

    private enum Operation: UInt8 {
        case ping = 1
        case applyIdentity = 2
        case waitUntilSettled = 3
        case spawn = 16
        case attach = 17
        case input = 18
        case resizeTerminal = 19
        case signal = 20
        case logs = 21
        case spawnTool = 22
        case readFile = 32
        case writeFile = 33
        case growRootFilesystem = 48
        case powerOff = 49
        case startWorkload = 50
        case dial = 64
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        let code = try reader.read("operation", as: UInt8.self)
        guard let operation = Operation(rawValue: code) else {
            throw .invalidValue(field: "operation", value: UInt64(code))
        }
        self = try Self.decode(operation, from: &reader)
        try reader.finish()
    }

    private static func decode(
        _ operation: Operation,
        from reader: inout ByteReader
    ) throws(ProtocolError) -> Request {
        switch operation {
        case .ping: .ping
        case .applyIdentity: .applyIdentity(try IdentityRequest(from: &reader))
        case .waitUntilSettled: .waitUntilSettled
        case .spawn: .spawn(try SpawnRequest(from: &reader))
        case .spawnTool: .spawnTool(try SpawnRequest(from: &reader))
        case .attach:
            .attach(
                try reader.readID("exec id"),
                cursor: try reader.read("cursor"),
                fromLatest: try reader.readBool("from latest")
            )
        case .input:
            .input(
                try reader.readID("exec id"),
                try reader.readBytes("bytes", limit: ProtocolLimits.inputInBytes),
                end: try reader.readBool("end")
            )
        case .resizeTerminal: .resizeTerminal(try reader.readID("exec id"), try CellSize(from: &reader))
        case .signal: .signal(try reader.readID("exec id"), try reader.read("signal"))
        case .logs:
            .logs(
                offset: try reader.read("offset"),
                maximumEntries: try reader.read("maximum entries"),
                stream: try reader.readOptionalStream()
            )
        case .readFile:
            .readFile(
                path: try reader.readText("path", limit: ProtocolLimits.pathInBytes),
                limit: try reader.read("limit")
            )
        case .writeFile:
            .writeFile(
                path: try reader.readText("path", limit: ProtocolLimits.pathInBytes),
                mode: try reader.read("mode"),
                createDirectories: try reader.readBool("create directories"),
                size: try reader.read("size")
            )
        case .growRootFilesystem: .growRootFilesystem
        case .powerOff: .powerOff
        case .startWorkload: .startWorkload
        case .dial:
            .dial(
                host: try reader.readText("host", limit: ProtocolLimits.hostNameInBytes),
                port: try reader.read("port")
            )
        }
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(operation.rawValue)
        switch self {
        case .ping, .waitUntilSettled, .growRootFilesystem, .powerOff, .startWorkload: break
        case .applyIdentity(let identity): identity.encode(into: &writer)
        case .spawn(let spawn), .spawnTool(let spawn): spawn.encode(into: &writer)
        case .attach(let id, let cursor, let fromLatest):
            writer.write(id)
            writer.write(cursor)
            writer.write(fromLatest)
        case .input(let id, let bytes, let end):
            writer.write(id)
            writer.write(bytes)
            writer.write(end)
        case .resizeTerminal(let id, let size):
            writer.write(id)
            size.encode(into: &writer)
        case .signal(let id, let number):
            writer.write(id)
            writer.write(number)
        case .logs(let offset, let maximumEntries, let stream):
            writer.write(offset)
            writer.write(maximumEntries)
            writer.write(stream?.rawValue ?? 0)
        case .readFile(let path, let limit):
            writer.write(path)
            writer.write(limit)
        case .writeFile(let path, let mode, let createDirectories, let size):
            writer.write(path)
            writer.write(mode)
            writer.write(createDirectories)
            writer.write(size)
        case .dial(let host, let port):
            writer.write(host)
            writer.write(port)
        }
        return writer.bytes
    }

    private var operation: Operation {
        switch self {
        case .ping: .ping
        case .applyIdentity: .applyIdentity
        case .waitUntilSettled: .waitUntilSettled
        case .spawn: .spawn
        case .spawnTool: .spawnTool
        case .attach: .attach
        case .input: .input
        case .resizeTerminal: .resizeTerminal
        case .signal: .signal
        case .logs: .logs
        case .readFile: .readFile
        case .writeFile: .writeFile
        case .growRootFilesystem: .growRootFilesystem
        case .powerOff: .powerOff
        case .startWorkload: .startWorkload
        case .dial: .dial
        }
    }
}

extension ByteReader {
    /// 0 stands for both.
    fileprivate mutating func readOptionalStream() throws(ProtocolError) -> RecordStream? {
        let value = try read("stream", as: UInt8.self)
        if value == 0 { return nil }
        guard let stream = RecordStream(rawValue: value) else {
            throw .invalidValue(field: "stream", value: UInt64(value))
        }
        return stream
    }
}
