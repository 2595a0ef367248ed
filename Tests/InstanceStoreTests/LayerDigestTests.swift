import SystemPackage
import Testing

@testable import InstanceStore

struct LayerDigestTests {
    private let block: Int64 = 4096

    private func digest(of pieces: [(offset: Int64, bytes: [UInt8])], size: Int64) throws -> [UInt8] {
        let instance = try TemporaryInstance()
        let path = instance.file("layer")
        try writeSparse(pieces, size: size, to: path)
        let (digest, length) = try LayerDigest.compute(.content, of: path)
        #expect(length == UInt64(size))
        return digest
    }

    @Test func `a hole and a block of zeros are the same`() throws {
        let data = [UInt8](repeating: 7, count: Int(block))
        let zeros = [UInt8](repeating: 0, count: Int(block))
        let sparse = try digest(of: [(0, data), (8 * block, data)], size: 16 * block)
        let filled = try digest(
            of: [(0, data)] + (1..<8).map { (Int64($0) * block, zeros) } + [(8 * block, data), (9 * block, zeros)],
            size: 16 * block
        )
        #expect(sparse == filled)
    }

    @Test func `in a memory layer a block of zeros is not a hole`() throws {
        let instance = try TemporaryInstance()
        let (sparse, filled) = (instance.file("sparse"), instance.file("filled"))
        let data = [UInt8](repeating: 7, count: Int(block))
        let zeros = [UInt8](repeating: 0, count: Int(block))
        try writeSparse([(0, data)], size: 4 * block, to: sparse)
        try writeSparse([(0, data), (2 * block, zeros)], size: 4 * block, to: filled)
        #expect(try LayerDigest.compute(.data, of: sparse).digest != LayerDigest.compute(.data, of: filled).digest)
        #expect(
            try LayerDigest.compute(.content, of: sparse).digest == LayerDigest.compute(.content, of: filled).digest
        )
    }

    @Test func `the place of a block counts`() throws {
        let data = [UInt8](repeating: 7, count: Int(block))
        #expect(try digest(of: [(block, data)], size: 8 * block) != digest(of: [(2 * block, data)], size: 8 * block))
    }

    @Test func `the size counts, although what is behind the data is a hole`() throws {
        let data = [UInt8](repeating: 7, count: Int(block))
        #expect(try digest(of: [(0, data)], size: 8 * block) != digest(of: [(0, data)], size: 9 * block))
        #expect(try digest(of: [], size: 8 * block) != digest(of: [], size: 9 * block))
    }

    @Test func `data that begins and ends inside blocks`() throws {
        let odd = [UInt8](repeating: 9, count: 5000)
        let offset = 3 * block + 100
        var aligned = [UInt8](repeating: 0, count: 3 * Int(block))
        aligned.replaceSubrange(100..<5100, with: odd)
        let asWritten = try digest(of: [(offset, odd)], size: 32 * block)
        #expect(try asWritten == digest(of: [(3 * block, aligned)], size: 32 * block))
    }

    @Test func `the last block may be a part of one`() throws {
        let tail: [UInt8] = [1, 2, 3]
        let size = 2 * block + 3
        let whole = [UInt8](repeating: 0, count: 2 * Int(block)) + tail
        #expect(try digest(of: [(2 * block, tail)], size: size) == digest(of: [(0, whole)], size: size))
        #expect(try digest(of: [(2 * block, tail)], size: size) != digest(of: [(2 * block, tail)], size: size + 1))
    }

    @Test func `a run longer than a read`() throws {
        let long = (0..<(3 << 20) + 4096).map { UInt8(truncatingIfNeeded: $0 / 4096 + 1) }
        let first = try digest(of: [(block, long)], size: Int64(long.count) + 2 * block)
        var changed = long
        changed[2 << 20] ^= 1
        #expect(try first != digest(of: [(block, changed)], size: Int64(long.count) + 2 * block))
        let halves = [
            (offset: block, bytes: Array(long[..<(1 << 20)])),
            (offset: block + (1 << 20), bytes: Array(long[(1 << 20)...])),
        ]
        #expect(try first == digest(of: halves, size: Int64(long.count) + 2 * block))
    }

    @Test func `an empty file has a digest`() throws {
        #expect(try digest(of: [], size: 0).count == 32)
    }

    @Test func `every bit counts`() throws {
        let data = [UInt8](repeating: 7, count: Int(block))
        let original = try digest(of: [(0, data)], size: block)
        for index in [0, 1, 2047, 4095] {
            var changed = data
            changed[index] ^= 0x80
            #expect(try digest(of: [(0, changed)], size: block) != original)
        }
    }
}
