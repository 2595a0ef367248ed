/// Why a call failed.
public struct Failure: Error, Equatable, Sendable {
    public enum Code: UInt16, Sendable, CaseIterable {
        case invalidArgument = 1
        case notFound = 2
        case tooLarge = 3
        case unsupported = 4
        case resourceExhausted = 5
        case conflict = 6
        case alreadyExists = 7
        case `internal` = 8
        /// A message that this agent cannot read.
        case badRequest = 9
        /// Nothing listens there, it cannot be reached, or the connection broke.
        case unavailable = 10
        case timedOut = 11
    }

    static let messageLimit = 2048

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        // A newer agent may know more codes.
        code = Code(rawValue: try reader.read("code")) ?? .internal
        message = try reader.readText("message", limit: Self.messageLimit)
        try reader.finish()
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(code.rawValue)
        writer.write(String(decoding: message.utf8.prefix(Self.messageLimit - 8), as: UTF8.self))
        return writer.bytes
    }
}
