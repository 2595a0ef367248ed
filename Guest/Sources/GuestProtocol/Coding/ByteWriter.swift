/// Appends little-endian integers and length-prefixed fields.
public struct ByteWriter {
    public private(set) var bytes: [UInt8] = []

    public init(reserving capacity: Int = 64) {
        bytes.reserveCapacity(capacity)
    }

    public mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        var remaining = value
        for _ in 0..<(Value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: remaining))
            // An 8-bit integer cannot be shifted by 8 with `>>=` and stay defined in meaning: smart shift gives 0.
            remaining = remaining >> 8
        }
    }

    public mutating func write(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    /// A `u32` length, then the bytes.
    public mutating func write(_ field: some Collection<UInt8>) {
        write(UInt32(field.count))
        bytes.append(contentsOf: field)
    }

    public mutating func write(_ text: String) {
        write(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// The bytes alone; the reader takes everything that is left.
    public mutating func writeRest(_ field: some Collection<UInt8>) {
        bytes.append(contentsOf: field)
    }
}
