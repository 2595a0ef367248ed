import KeyMaterial
import SystemPackage
import VersAPI

/// Makes layers readable at offsets, decompressing those that are compressed, and compares their digests.
struct LayerSpool {
    let directory: FilePath
    let budget: ArchiveBudget

    /// The layer as a plain tar archive, whole as its digests say.
    func open(_ layer: SourceImage.Layer, number: Int) throws -> FileRange {
        let compression = try LayerCompression(of: layer.content)
        if let digest = layer.digest {
            try Verification.compare(try Self.digest(of: layer.content), with: digest, "layer \(number)")
            // Not compressed, the digests are of the same bytes.
            if case .none = compression, layer.diffID == nil || layer.diffID == digest { return layer.content }
        }
        return try open(layer.content, compression, diffID: layer.diffID, name: "layer-\(number)", number: number)
    }

    /// An archive as a whole, decompressed when it is compressed.
    func open(archive: FileRange) throws -> FileRange {
        try open(archive, try LayerCompression(of: archive), diffID: nil, name: "archive.tar", number: 0)
    }

    private func open(
        _ content: FileRange,
        _ compression: LayerCompression,
        diffID: ContentDigest?,
        name: String,
        number: Int
    ) throws -> FileRange {
        let result: FileRange
        switch compression {
        case .none: result = content
        case .gzip, .zstd:
            let spool = try SpoolFile(directory.appending(name), limit: budget.remainingContentBytes)
            if case .gzip = compression {
                try Gzip.decompress(content, into: spool.write)
            } else {
                try Zstd.decompress(content, scratch: directory.appending("\(name).zst"), into: spool.write)
            }
            result = try spool.finish().whole
        }
        if let diffID {
            try Verification.compare(try Self.digest(of: result), with: diffID, "decompressed layer \(number)")
        }
        return result
    }

    private static func digest(of content: FileRange) throws -> [UInt8] {
        let hash = SHA256()
        try content.forEachPiece { hash.update($0) }
        return hash.finish()
    }
}
