import VersCore

/// An image as it was found: where its layers are, and how it wants to run.
struct SourceImage {
    struct Layer {
        var content: FileRange
        /// Of the bytes as they are stored; nil where the format names none.
        var digest: ContentDigest?
        /// Of the bytes decompressed.
        var diffID: ContentDigest?
    }

    var configuration: ImageConfiguration
    /// The lowest first.
    var layers: [Layer]
    /// Whether it is a bare root file system, which names no digests.
    var isPlainRoot = false
}
