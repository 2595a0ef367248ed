import Foundation
internal import SystemPackage

/// Reads a file or pipe in pieces, on threads that may block.
final class PieceReader: Sendable {
    private static let size = 256 * 1024
    private let descriptor: FileDescriptor

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// The next bytes; nil at the end.
    func next() async throws -> [UInt8]? {
        try await Blocking.run { [descriptor] in
            let piece = try [UInt8](unsafeUninitializedCapacity: Self.size) { buffer, count in
                count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            return piece.isEmpty ? nil : piece
        }
    }
}
