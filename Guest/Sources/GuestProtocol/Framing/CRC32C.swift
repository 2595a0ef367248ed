/// CRC-32C (Castagnoli), eight bytes at a time.
public struct CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
            tables[index] = value
        }
        for index in 256..<(8 * 256) {
            let previous = tables[index - 256]
            tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }()

    private var state: UInt32 = 0xFFFF_FFFF

    public init() {}

    public var value: UInt32 { ~state }

    public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(bytes)
        return checksum.value
    }

    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        state = Self.tables.withUnsafeBufferPointer { table in
            var value = state
            var position = 0
            while bytes.count - position >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let mixed = word ^ UInt64(value)
                value =
                    table[7 * 256 + Int(mixed & 0xFF)] ^ table[6 * 256 + Int((mixed >> 8) & 0xFF)]
                    ^ table[5 * 256 + Int((mixed >> 16) & 0xFF)] ^ table[4 * 256 + Int((mixed >> 24) & 0xFF)]
                value ^= table[3 * 256 + Int((mixed >> 32) & 0xFF)] ^ table[2 * 256 + Int((mixed >> 40) & 0xFF)]
                value ^= table[256 + Int((mixed >> 48) & 0xFF)] ^ table[Int(mixed >> 56)]
                position += 8
            }
            while position < bytes.count {
                value = (value >> 8) ^ table[Int((value ^ UInt32(bytes[position])) & 0xFF)]
                position += 1
            }
            return value
        }
    }
}
