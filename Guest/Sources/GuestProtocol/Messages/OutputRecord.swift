public enum RecordStream: UInt8, Sendable {
    case stdout = 1
    case stderr = 2
}

/// A piece of a command's output.
public struct OutputRecord: Equatable, Sendable {
    static let headerInBytes = 17

    public var stream: RecordStream
    /// Counts the records of this command from 1. A gap means that the agent had to forget some.
    public var cursor: UInt64
    /// Nanoseconds since 1970, by the guest's clock.
    public var timestamp: UInt64
    public var data: [UInt8]

    public init(stream: RecordStream, cursor: UInt64, timestamp: UInt64, data: [UInt8]) {
        self.stream = stream
        self.cursor = cursor
        self.timestamp = timestamp
        self.data = data
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        let rawStream = try reader.read("stream", as: UInt8.self)
        guard let stream = RecordStream(rawValue: rawStream) else {
            throw .invalidValue(field: "stream", value: UInt64(rawStream))
        }
        self.stream = stream
        cursor = try reader.read("cursor")
        timestamp = try reader.read("timestamp")
        data = try reader.readRest("data", limit: ProtocolLimits.recordInBytes)
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.headerInBytes + data.count)
        writer.write(stream.rawValue)
        writer.write(cursor)
        writer.write(timestamp)
        writer.writeRest(data)
        return writer.bytes
    }

    /// What a record of `count` bytes costs of the window.
    public static func cost(ofBytes count: Int) -> Int { headerInBytes + count }
}

/// The end of a command.
public struct ExitRecord: Equatable, Sendable {
    /// 128 and the signal's number when a signal ended it, 124 when it ran out of time.
    public var code: Int32
    /// Follows that of the last record before the exit.
    public var cursor: UInt64

    public init(code: Int32, cursor: UInt64) {
        self.code = code
        self.cursor = cursor
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        code = try reader.read("code")
        cursor = try reader.read("cursor")
        try reader.finish()
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(code)
        writer.write(cursor)
        return writer.bytes
    }
}
