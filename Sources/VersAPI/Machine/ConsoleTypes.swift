/// `GET /vm/{id}/console`: a piece of the serial console's output.
public struct ConsoleResponse: Codable, Sendable, Equatable {
    public static let defaultLimit = 64 * 1024

    public var content_b64: String
    /// Where the next piece starts. Equal to the `offset` asked for when nothing is there yet.
    public var next_offset: UInt64

    public init(content_b64: String, next_offset: UInt64) {
        self.content_b64 = content_b64
        self.next_offset = next_offset
    }
}
