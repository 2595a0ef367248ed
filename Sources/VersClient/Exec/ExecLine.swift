import Foundation
import NIOCore
import NIOFoundationCompat
import VersAPI

/// Reads one line of an exec stream.
enum ExecLine {
    private struct Kind: Decodable {
        var type: String?
    }

    private static let known: Set<String> = ["chunk", "exit", "error"]

    /// Nil for an empty line, and for a kind of event that this client does not know.
    /// - Throws: ``VersError`` `.internal` when the line is none of ours.
    static func event(in line: ByteBuffer) throws -> ExecEvent? {
        guard line.readableBytes > 0 else { return nil }
        let data = Data(buffer: line)
        do {
            return try JSONCoding.decode(ExecEvent.self, from: data)
        } catch {
            // Looked at only on failure, so that an ordinary line is parsed once.
            if let kind = try? JSONCoding.decode(Kind.self, from: data).type, !known.contains(kind) { return nil }
            throw VersError(.internal, "a line of the exec stream is not understood", cause: error)
        }
    }
}
