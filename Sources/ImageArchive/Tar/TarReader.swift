import VersAPI

/// Reads the members of a tar archive one after the other: POSIX pax and ustar, GNU and old forms.
struct TarReader {
    private let archive: FileRange
    private let budget: ArchiveBudget
    private let needsEndMark: Bool
    private var position: Int64 = 0
    private var global = PAXRecords()
    private var hasEnded = false

    /// What extended headers say about the next member.
    private struct Extension {
        var records = PAXRecords()
        var path: [UInt8]?
        var target: [UInt8]?
        var bytes = 0
    }

    /// - Parameter needsEndMark: whether the archive must end with blocks of zeros, as archivers write them. Without
    ///   them only a digest can tell that it is whole.
    init(_ archive: FileRange, budget: ArchiveBudget, needsEndMark: Bool = true) {
        self.archive = archive
        self.budget = budget
        self.needsEndMark = needsEndMark
    }

    /// Nil at the end.
    mutating func next() throws -> TarEntry? {
        var pending = Extension()
        while !hasEnded {
            if position == archive.length, !needsEndMark { break }
            let header = TarHeader(try take(Int64(TarHeader.length)).bytes(from: 0, count: TarHeader.length))
            if header.isZero {
                hasEnded = true
                break
            }
            try header.checkSum()
            switch header.type {
            case UInt8(ascii: "x"): pending.records = try PAXRecords(try document(header, &pending))
            case UInt8(ascii: "g"): global = global.overridden(by: try PAXRecords(try document(header, &pending)))
            case UInt8(ascii: "L"): pending.path = Array(try document(header, &pending).prefix { $0 != 0 })
            case UInt8(ascii: "K"): pending.target = Array(try document(header, &pending).prefix { $0 != 0 })
            case UInt8(ascii: "V"): _ = try content(of: header, size: try header.size)
            default:
                pending.records = global.overridden(by: pending.records)
                return try entry(header, pending)
            }
        }
        guard pending.bytes == 0 else { throw VersError.badArchive("the archive ends behind an extended header") }
        return nil
    }

    private mutating func take(_ count: Int64) throws -> FileRange {
        let part = try archive.part(from: position, count: count)
        position += count
        return part
    }

    /// The content of a member and what pads it to whole blocks.
    private mutating func content(of header: TarHeader, size: Int64) throws -> FileRange {
        guard size <= archive.length else {
            throw VersError.badArchive("the archive ends early: \(shown(header.path)) has \(size) bytes")
        }
        let part = try take(size)
        let padding = (512 - size % 512) % 512
        _ = try take(padding)
        return part
    }

    /// A header that describes the next member.
    private mutating func document(_ header: TarHeader, _ pending: inout Extension) throws -> [UInt8] {
        let size = try header.size
        guard size <= Int64(budget.limits.headerBytes - pending.bytes) else {
            throw VersError(
                .payloadTooLarge,
                "an extended header of the archive is larger than \(budget.limits.headerBytes >> 10) KiB"
            )
        }
        pending.bytes += max(1, Int(size))
        return try content(of: header, size: size).bytes(from: 0, count: Int(size))
    }

    private mutating func entry(_ header: TarHeader, _ pending: Extension) throws -> TarEntry {
        let records = pending.records
        let path = records["GNU.sparse.name"] ?? records["path"] ?? pending.path ?? header.path
        var entry = TarEntry(
            path: path,
            kind: try kind(of: header, path),
            mode: try header.mode,
            uid: try Self.owner(try records.integer("uid") ?? header.uid, path),
            gid: try Self.owner(try records.integer("gid") ?? header.gid, path),
            modified: try records.time("mtime") ?? Timestamp(seconds: try header.modified)
        )
        entry.target = records["linkpath"] ?? pending.target ?? header.linkTarget
        entry.xattrs = records.extendedAttributes
        if [.characterDevice, .blockDevice].contains(entry.kind) {
            entry.major = UInt32(clamping: try header.major)
            entry.minor = UInt32(clamping: try header.minor)
        }
        try budget.spendEntry(metadataBytes: path.count + entry.target.count + pending.bytes)
        let stored = try records.integer("size") ?? header.size
        // Links and the like have no content, whatever an old archiver wrote as their size.
        guard entry.kind == .file || entry.kind == .directory else { return entry }
        if entry.kind == .file {
            try readContent(of: &entry, header, records, stored: stored)
        } else {
            _ = try content(of: header, size: stored)
        }
        return entry
    }

    private mutating func readContent(
        of entry: inout TarEntry,
        _ header: TarHeader,
        _ records: PAXRecords,
        stored: Int64
    ) throws {
        let map: SparseMap?
        var range: FileRange
        if header.type == UInt8(ascii: "S") {
            map = try oldSparseMap(header)
            range = try content(of: header, size: stored)
        } else {
            range = try content(of: header, size: stored)
            map = try paxSparseMap(records, &range)
        }
        if let map {
            entry.size = map.size
            entry.extents = try map.extents(in: range)
        } else {
            entry.size = range.length
            entry.extents = range.length > 0 ? [TarEntry.Extent(offset: 0, content: range)] : []
        }
        guard entry.size <= ArchiveLimits.fileBytes else {
            throw VersError(.payloadTooLarge, "\(shown(entry.path)) has \(entry.size) bytes, more than a disk can hold")
        }
    }

    private func kind(of header: TarHeader, _ path: [UInt8]) throws -> TarEntry.Kind {
        switch header.type {
        // Before ustar, a slash at the end made a directory.
        case 0, UInt8(ascii: "0"): path.last == UInt8(ascii: "/") ? .directory : .file
        case UInt8(ascii: "7"), UInt8(ascii: "S"): .file
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symlink
        case UInt8(ascii: "3"): .characterDevice
        case UInt8(ascii: "4"): .blockDevice
        case UInt8(ascii: "5"): .directory
        case UInt8(ascii: "6"): .fifo
        default:
            throw VersError.badArchive(
                "\(shown(path)) in the archive is of a type that no root file system has: \(header.type)"
            )
        }
    }

    private static func owner(_ number: Int64, _ path: [UInt8]) throws -> UInt32 {
        guard let owner = UInt32(exactly: number), owner != UInt32.max else {
            throw VersError.badArchive("owner \(number) of \(shown(path)) in the archive is out of range")
        }
        return owner
    }
}

// Sparse files.
extension TarReader {
    /// GNU's old format: four runs in the header, more in blocks behind it.
    private mutating func oldSparseMap(_ header: TarHeader) throws -> SparseMap {
        var numbers: [Int64] = []
        func add(_ block: TarHeader, from start: Int, count: Int) throws {
            for index in 0..<count {
                let place = start + 24 * index
                guard block.bytes[place] != 0 else { return }
                numbers.append(try block.number(place..<(place + 12), "sparse map"))
                numbers.append(try block.number((place + 12)..<(place + 24), "sparse map"))
            }
        }
        try add(header, from: 386, count: 4)
        var isContinued = header.bytes[482] != 0
        while isContinued {
            let block = TarHeader(try take(Int64(TarHeader.length)).bytes(from: 0, count: TarHeader.length))
            try add(block, from: 0, count: 21)
            isContinued = block.bytes[504] != 0
            guard numbers.count * 16 <= budget.limits.headerBytes else { throw SparseMap.damaged }
        }
        return try SparseMap(numbers: numbers, size: try header.number(483..<495, "size"))
    }

    /// GNU's formats 0.0, 0.1 and 1.0 in extended headers; nil for a file that is not sparse.
    private func paxSparseMap(_ records: PAXRecords, _ content: inout FileRange) throws -> SparseMap? {
        if try records.integer("GNU.sparse.major") == 1, let size = try records.integer("GNU.sparse.realsize") {
            return try leadingMap(&content, size: size)
        }
        guard let size = try records.integer("GNU.sparse.size") else { return nil }
        guard let text = records["GNU.sparse.map"] else {
            return try SparseMap(numbers: records.sparseNumbers, size: size)
        }
        let numbers = try text.split(separator: UInt8(ascii: ",")).map {
            try PAXRecords.integer(Array($0), "GNU.sparse.map")
        }
        return try SparseMap(numbers: numbers, size: size)
    }

    /// Format 1.0: the content begins with the map, a number to a line, padded to whole blocks.
    private func leadingMap(_ content: inout FileRange, size: Int64) throws -> SparseMap {
        var numbers: [Int64] = []
        var expected: Int64 = 1
        var line: [UInt8] = []
        var position: Int64 = 0
        while Int64(numbers.count) < expected {
            let block = try content.bytes(from: position, count: 512)
            position += 512
            guard position <= Int64(budget.limits.headerBytes) else { throw SparseMap.damaged }
            for byte in block where Int64(numbers.count) < expected {
                if byte != 0x0A {
                    line.append(byte)
                    continue
                }
                numbers.append(try PAXRecords.integer(line, "sparse map"))
                line = []
                if numbers.count == 1 {
                    guard numbers[0] <= Int64(budget.limits.headerBytes) else { throw SparseMap.damaged }
                    expected = 1 + 2 * numbers[0]
                }
            }
        }
        content = try content.part(from: position, count: content.length - position)
        return try SparseMap(numbers: Array(numbers.dropFirst()), size: size)
    }
}
