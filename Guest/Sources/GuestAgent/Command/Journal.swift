import GuestProtocol

/// The newest output of all commands, up to a number of bytes. The oldest is forgotten first.
struct Journal {
    let capacityInBytes: Int
    private var records = Deque<Record>()
    private var heldBytes = 0
    private(set) var endOffset: UInt64 = 0

    init(capacityInBytes: Int) {
        self.capacityInBytes = capacityInBytes
    }

    /// - Parameter forgotten: called with each record that made room.
    mutating func append(_ record: Record, forgotten: (Record) -> Void) {
        records.append(record)
        heldBytes += record.cost
        endOffset += UInt64(record.data.count)
        while heldBytes > capacityInBytes, records.count > 1, let oldest = records.popFirst() {
            heldBytes -= oldest.cost
            oldest.isForgotten = true
            forgotten(oldest)
        }
    }

    /// Entries from the record that holds `offset` on; what is older than the oldest record is skipped.
    func page(offset: UInt64, maximumEntries: Int, stream: RecordStream?) -> LogPageReply {
        var index = firstIndex(endingBehind: offset)
        var page = LogPageReply(entries: [], isLast: false, nextOffset: max(offset, records.first?.offset ?? endOffset))
        var bytes = 0
        while index < records.count {
            let record = records[index]
            if page.entries.count >= maximumEntries || bytes + record.data.count > ProtocolLimits.logPageInBytes {
                return page
            }
            index += 1
            page.nextOffset = record.offset + UInt64(record.data.count)
            if let stream, record.stream != stream { continue }
            let skipped = offset > record.offset ? Int(offset - record.offset) : 0
            let data = Array(record.data[skipped...])
            bytes += data.count + Record.overheadInBytes
            page.entries.append(
                LogPageReply.Entry(
                    execID: record.execID,
                    stream: record.stream,
                    timestamp: record.timestamp,
                    data: data
                )
            )
        }
        page.isLast = true
        page.nextOffset = min(page.nextOffset, endOffset)
        return page
    }

    private func firstIndex(endingBehind offset: UInt64) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            let record = records[middle]
            if record.offset + UInt64(record.data.count) > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
