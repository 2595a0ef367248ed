import GuestProtocol

/// A piece of output in memory, shared by the journal and its command's backlog.
final class Record {
    /// What a record costs besides its bytes.
    static let overheadInBytes = 128

    let execID: WireID
    let stream: RecordStream
    let cursor: UInt64
    let timestamp: UInt64
    /// Where its first byte stands in the output of all commands since boot.
    let offset: UInt64
    let data: [UInt8]
    var isForgotten: Bool

    var cost: Int { data.count + Self.overheadInBytes }

    init(
        execID: WireID,
        stream: RecordStream,
        cursor: UInt64,
        timestamp: UInt64,
        offset: UInt64,
        data: [UInt8],
        isForgotten: Bool = false
    ) {
        self.execID = execID
        self.stream = stream
        self.cursor = cursor
        self.timestamp = timestamp
        self.offset = offset
        self.data = data
        self.isForgotten = isForgotten
    }
}
