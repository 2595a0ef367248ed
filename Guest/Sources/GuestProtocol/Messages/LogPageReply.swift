/// A page of the output of all commands.
public struct LogPageReply: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var execID: WireID
        public var stream: RecordStream
        public var timestamp: UInt64
        public var data: [UInt8]

        public init(execID: WireID, stream: RecordStream, timestamp: UInt64, data: [UInt8]) {
            self.execID = execID
            self.stream = stream
            self.timestamp = timestamp
            self.data = data
        }
    }

    public var entries: [Entry]
    /// Whether nothing is behind this page yet.
    public var isLast: Bool
    public var nextOffset: UInt64

    public init(entries: [Entry], isLast: Bool, nextOffset: UInt64) {
        self.entries = entries
        self.isLast = isLast
        self.nextOffset = nextOffset
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        let count = try reader.readCount("entries", limit: ProtocolLimits.logPageEntries, minimumSize: 29)
        entries = []
        for _ in 0..<count {
            let execID = try reader.readID("exec id")
            let rawStream = try reader.read("stream", as: UInt8.self)
            guard let stream = RecordStream(rawValue: rawStream) else {
                throw .invalidValue(field: "stream", value: UInt64(rawStream))
            }
            let timestamp = try reader.read("timestamp", as: UInt64.self)
            let data = try reader.readBytes("data", limit: ProtocolLimits.recordInBytes)
            entries.append(Entry(execID: execID, stream: stream, timestamp: timestamp, data: data))
        }
        isLast = try reader.readBool("is last")
        nextOffset = try reader.read("next offset")
        try reader.finish()
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 4096)
        writer.write(UInt32(entries.count))
        for entry in entries {
            writer.write(entry.execID)
            writer.write(entry.stream.rawValue)
            writer.write(entry.timestamp)
            writer.write(entry.data)
        }
        writer.write(isLast)
        writer.write(nextOffset)
        return writer.bytes
    }
}
