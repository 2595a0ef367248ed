/// The unit on the wire, before COBS encoding. Integers are little-endian; a zero byte ends each frame.
///
/// ```
///  0       1         2      3       4         8         12              n        n+4
///  +-------+---------+------+-------+---------+---------+---------------+--------+
///  | magic | version | type | flags | session | channel | payload       | CRC-32C|
///  | 0x56  | 1       | u8   | u8    | u32     | u32     | 0...32768     | u32    |
///  +-------+---------+------+-------+---------+---------+---------------+--------+
///                                                        the checksum covers 0..<n, or, with the
///                                               flag `unchecked`, 0..<12 and the payload's length as u32
/// ```
///
/// `session` is the low half of the first 8 bytes of the nonce in `hello`, never 0. A branch cuts the stream
/// anywhere and gives the child a new host side, so what belongs to another session is dropped by both sides.
/// `channel` is chosen by the host, one for each call, and never used twice in a session; 0 is the session itself.
public struct Frame: Equatable, Sendable {
    public static let magic: UInt8 = 0x56
    public static let version: UInt8 = 1
    public static let headerInBytes = 12
    public static let checksumInBytes = 4
    public static let delimiter: UInt8 = 0
    /// Room for the longest frame, however its parts come: the encoded bytes of a part are never fewer than the decoded.
    static let decodedLimit = COBS.encodedLimit(headerInBytes + ProtocolLimits.payloadInBytes + checksumInBytes)

    public var type: FrameType
    public var flags: FrameFlags
    public var session: UInt32
    public var channel: UInt32
    public var payload: [UInt8]

    public init(
        _ type: FrameType,
        flags: FrameFlags = [],
        session: UInt32,
        channel: UInt32,
        payload: [UInt8] = []
    ) {
        self.type = type
        self.flags = flags
        self.session = session
        self.channel = channel
        self.payload = payload
    }

    /// Appends the encoded frame and its delimiter.
    /// - Precondition: the payload is within ``ProtocolLimits/payloadInBytes``.
    public func encode(into output: inout [UInt8]) {
        precondition(payload.count <= ProtocolLimits.payloadInBytes)
        var header = ByteWriter(reserving: Self.headerInBytes)
        header.write(Self.magic)
        header.write(Self.version)
        header.write(type.rawValue)
        header.write(flags.rawValue)
        header.write(session)
        header.write(channel)
        payload.withUnsafeBytes { payload in
            header.bytes.withUnsafeBytes { header in
                var checksum = Self.checksum(header, payload, flags).littleEndian
                withUnsafeBytes(of: &checksum) { COBS.encode([header, payload, $0], into: &output) }
            }
        }
        output.append(Self.delimiter)
    }

    /// Reads what stood between two delimiters.
    init(decoded bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        let end = bytes.count - Self.checksumInBytes
        guard end >= Self.headerInBytes else { throw .truncated(field: "header") }
        let limit = ProtocolLimits.payloadInBytes
        guard end - Self.headerInBytes <= limit else {
            throw .tooLong(field: "payload", length: end - Self.headerInBytes, limit: limit)
        }
        guard bytes[0] == Self.magic else { throw .badMagic }
        let flags = FrameFlags(rawValue: bytes[3])
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<Self.headerInBytes])
        let payload = UnsafeRawBufferPointer(rebasing: bytes[Self.headerInBytes..<end])
        let stored = bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self)
        guard Self.checksum(header, payload, flags) == UInt32(littleEndian: stored) else { throw .badChecksum }
        guard bytes[1] == Self.version else { throw .unsupportedVersion(bytes[1]) }
        guard let type = FrameType(rawValue: bytes[2]) else { throw .unknownType(bytes[2]) }
        self.type = type
        self.flags = flags
        session = UInt32(littleEndian: header.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        channel = UInt32(littleEndian: header.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        self.payload = Array(payload)
    }

    private static func checksum(
        _ header: UnsafeRawBufferPointer,
        _ payload: UnsafeRawBufferPointer,
        _ flags: FrameFlags
    ) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(header)
        if flags.contains(.unchecked) {
            var length = UInt32(payload.count).littleEndian
            withUnsafeBytes(of: &length) { checksum.add($0) }
        } else {
            checksum.add(payload)
        }
        return checksum.value
    }
}

/// 32 to 47 are kept for forwarding of TCP connections.
public enum FrameType: UInt8, Sendable, CaseIterable {
    /// Host: begins a session. ``Hello``.
    case hello = 1
    /// Guest: has dropped the earlier session. ``HelloAcknowledgement``.
    case helloAcknowledgement = 2
    /// Host: opens a channel. ``Request``, in one frame or several.
    case request = 3
    /// Guest: the call succeeded; the body depends on the request.
    case reply = 4
    /// Guest: the call failed, the channel is closed. ``Failure``.
    case failure = 5
    /// Either: bytes of a file or a stream. Costs credit.
    case data = 6
    /// Either: a `u32` of credit for the other's data or output.
    case credit = 7
    /// Guest: ``OutputRecord``. Costs credit.
    case output = 8
    /// Guest: ``ExitRecord``, the last frame of a followed command.
    case exit = 9
    /// Host: closes a channel.
    case cancel = 10
}

public struct FrameFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The message goes on in the next frame of this channel.
    public static let more = FrameFlags(rawValue: 1)
    /// These were the last bytes of the file, or of this direction of the stream.
    public static let end = FrameFlags(rawValue: 2)
    /// The checksum does not cover the payload, only its length. Nothing damages bytes on the way, but a branch cuts frames
    /// off, which the length shows as well; and a checksum is much work for an emulated processor. For streams.
    public static let unchecked = FrameFlags(rawValue: 4)
}
