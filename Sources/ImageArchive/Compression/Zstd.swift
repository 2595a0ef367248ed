import Foundation
import SystemPackage
import VersAPI

/// Decompresses Zstandard with the host's `zstd`.
enum Zstd {
    /// The window of the strongest level without `--long`. More would let an archive take any memory.
    private static let memoryLimit = "--memory=128MB"

    /// - Parameter scratch: the name of a file that may be made, and is gone afterwards.
    static func decompress(
        _ content: FileRange,
        scratch: FilePath,
        into output: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard let tool = HostTool("zstd") else {
            throw VersError(
                .unsupported,
                "a layer of the image is compressed with zstd, and this host has no zstd",
                hint: "apt-get install zstd, or save the image with gzip layers"
            )
        }
        // The program reads to the end of a file, and the layer is a part of one.
        defer { try? FileManager.default.removeItem(atPath: scratch.string) }
        let spool = try SpoolFile(scratch, limit: content.length)
        try content.forEachPiece { try spool.write($0) }
        do {
            try withoutActuallyEscaping(output) { output in
                try tool.run(["--decompress", "--stdout", "--quiet", memoryLimit, scratch.string], output: output)
            }
        } catch let error as VersError where error.code == .internal {
            throw VersError(
                .invalidArgument,
                "the archive is damaged: its compressed data cannot be read",
                cause: error
            )
        }
    }
}
