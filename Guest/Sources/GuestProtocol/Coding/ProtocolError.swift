/// Why bytes from the other side were not what the protocol allows.
public enum ProtocolError: Error, Equatable, Sendable {
    /// A field reaches beyond the end of the message.
    case truncated(field: String)
    /// Bytes are left over behind the last field.
    case trailingBytes(Int)
    case tooLong(field: String, length: Int, limit: Int)
    case invalidValue(field: String, value: UInt64)
    case invalidText(field: String)
    case badMagic
    case unsupportedVersion(UInt8)
    case badChecksum
    case unknownType(UInt8)
    /// More bytes than the credit that was granted.
    case windowExceeded
}
