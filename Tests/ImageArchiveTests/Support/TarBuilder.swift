import Foundation

/// Writes tar archives a byte at a time, right ones and wrong ones.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    /// A member as it stands in the archive.
    struct Member {
        var path: String
        var type: Character = "0"
        var mode: UInt32 = 0o644
        var uid = 0
        var gid = 0
        var modified = 1_700_000_000
        var link = ""
        var device: (major: Int, minor: Int) = (0, 0)
        var content: [UInt8] = []
        /// What the header says, when it is not the truth.
        var statedSize: Int?
        var pax: [String: String] = [:]
        var paxBytes: [UInt8] = []
    }

    mutating func add(_ member: Member) {
        if !member.pax.isEmpty || !member.paxBytes.isEmpty {
            let records = member.pax.sorted { $0.key < $1.key }.flatMap { Self.record($0.key, Array($0.value.utf8)) }
            addRaw(
                Self.header("pax", type: "x", size: records.count + member.paxBytes.count),
                records + member.paxBytes
            )
        }
        let header = Self.header(
            member.path,
            type: member.type,
            size: member.statedSize ?? member.content.count,
            mode: member.mode,
            uid: member.uid,
            gid: member.gid,
            modified: member.modified,
            link: member.link,
            device: member.device
        )
        addRaw(header, member.content)
    }

    mutating func add(_ path: String, _ text: String = "", mode: UInt32 = 0o644) {
        add(Member(path: path, mode: mode, content: Array(text.utf8)))
    }

    mutating func directory(_ path: String, mode: UInt32 = 0o755) { add(Member(path: path, type: "5", mode: mode)) }

    mutating func symlink(_ path: String, _ target: String) { add(Member(path: path, type: "2", link: target)) }

    mutating func hardLink(_ path: String, _ target: String) { add(Member(path: path, type: "1", link: target)) }

    mutating func addRaw(_ header: [UInt8], _ content: [UInt8]) {
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// With the mark of the end.
    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    static func build(_ body: (inout TarBuilder) -> Void) -> [UInt8] {
        var builder = TarBuilder()
        body(&builder)
        return builder.archive
    }

    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [0x0A]
        var length = rest.count
        while "\(length)".utf8.count + rest.count != length { length = "\(length)".utf8.count + rest.count }
        return Array("\(length)".utf8) + rest
    }

    static func header(
        _ path: String,
        type: Character,
        size: Int,
        mode: UInt32 = 0o644,
        uid: Int = 0,
        gid: Int = 0,
        modified: Int = 0,
        link: String = "",
        device: (major: Int, minor: Int) = (0, 0)
    ) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int, at offset: Int) {
            let text = String(value, radix: 8)
            put((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8, at: offset)
        }
        put(path.utf8.prefix(100), at: 0)
        octal(Int(mode), 7, at: 100)
        octal(uid, 7, at: 108)
        octal(gid, 7, at: 116)
        octal(size, 11, at: 124)
        octal(modified, 11, at: 136)
        header[156] = type.asciiValue ?? 0
        put(link.utf8.prefix(100), at: 157)
        put("ustar\0".utf8, at: 257)
        put("00".utf8, at: 263)
        octal(device.major, 7, at: 329)
        octal(device.minor, 7, at: 337)
        sign(&header)
        return header
    }

    static func sign(_ header: inout [UInt8]) {
        for index in 148..<156 { header[index] = 0x20 }
        let sum = header.reduce(0) { $0 + Int($1) }
        let text = String(sum, radix: 8)
        let digits = String(repeating: "0", count: 6 - text.count) + text
        for (index, byte) in digits.utf8.enumerated() { header[148 + index] = byte }
        header[154] = 0
    }
}
