internal import HostSystem
internal import SystemPackage

/// What is read from the header of a qcow2 file that this product wrote.
struct QCOW2Header: Sendable, Hashable {
    var sizeInBytes: UInt64
    var backingFile: String?

    /// The header and name fit in the first cluster.
    private static let readLimit = 4096

    enum Failure: Error, Hashable {
        case notQCOW2
    }

    init(bytes: [UInt8]) throws(Failure) {
        func number(at offset: Int, count: Int) -> UInt64 {
            bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
        guard bytes.count >= 72, number(at: 0, count: 4) == 0x5146_49fb else { throw .notQCOW2 }
        sizeInBytes = number(at: 24, count: 8)
        let offset = number(at: 8, count: 8)
        let length = number(at: 16, count: 4)
        guard offset > 0, length > 0 else { return }
        guard length <= 1023, offset <= UInt64(bytes.count), offset + length <= UInt64(bytes.count) else {
            throw .notQCOW2
        }
        backingFile = String(decoding: bytes[Int(offset)..<Int(offset + length)], as: UTF8.self)
    }

    /// Blocks shortly.
    init(of file: FilePath) throws {
        try self.init(bytes: HostFile.read(file, limitInBytes: Self.readLimit))
    }
}
