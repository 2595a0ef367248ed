/// Reads what ``ByteWriter`` wrote. No length is believed before it was compared with what is there.
public struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public var remaining: Int { bytes.count - position }

    public mutating func read<Value: FixedWidthInteger>(
        _ field: String,
        as type: Value.Type = Value.self
    ) throws(ProtocolError) -> Value {
        let count = Value.bitWidth / 8
        guard remaining >= count else { throw .truncated(field: field) }
        var value: Value = 0
        for index in 0..<count {
            value |= Value(truncatingIfNeeded: bytes[position + index]) << Value(truncatingIfNeeded: 8 * index)
        }
        position += count
        return value
    }

    public mutating func readBool(_ field: String) throws(ProtocolError) -> Bool {
        let value = try read(field, as: UInt8.self)
        guard value <= 1 else { throw .invalidValue(field: field, value: UInt64(value)) }
        return value == 1
    }

    public mutating func readBytes(_ field: String, limit: Int) throws(ProtocolError) -> [UInt8] {
        let length = Int(try read(field, as: UInt32.self))
        guard length <= limit else { throw .tooLong(field: field, length: length, limit: limit) }
        guard length <= remaining else { throw .truncated(field: field) }
        defer { position += length }
        return Array(bytes[position..<position + length])
    }

    public mutating func readText(_ field: String, limit: Int) throws(ProtocolError) -> String {
        guard let text = String(validating: try readBytes(field, limit: limit), as: UTF8.self) else {
            throw .invalidText(field: field)
        }
        return text
    }

    /// The number of elements that follow, each of at least `minimumSize` bytes.
    public mutating func readCount(
        _ field: String,
        limit: Int,
        minimumSize: Int
    ) throws(ProtocolError) -> Int {
        let count = Int(try read(field, as: UInt32.self))
        guard count <= limit else { throw .tooLong(field: field, length: count, limit: limit) }
        guard count <= remaining / minimumSize else { throw .truncated(field: field) }
        return count
    }

    public mutating func readRest(_ field: String, limit: Int) throws(ProtocolError) -> [UInt8] {
        guard remaining <= limit else { throw .tooLong(field: field, length: remaining, limit: limit) }
        defer { position = bytes.count }
        return Array(bytes[position...])
    }

    /// To be called behind the last field.
    public func finish() throws(ProtocolError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }
}
