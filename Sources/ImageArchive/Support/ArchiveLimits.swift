import VersAPI

/// What an archive may cost, whatever it says about itself.
public struct ArchiveLimits: Sendable {
    /// Bytes of files, decompressed, that all layers may hold, and that the disk may take.
    public var contentBytes: Int64
    /// Members of all layers together.
    public var entries = 1_000_000
    /// Bytes of names, links, extended headers and extended attributes that are kept at the same time.
    public var metadataBytes = 256 << 20
    /// Bytes of the extended headers of one member.
    public var headerBytes = 1 << 20
    /// Bytes of one JSON document.
    public var documentBytes = 8 << 20
    public var layers = 512

    static let pathBytes = 4096
    static let nameBytes = 255
    static let depth = 256
    /// Of one file, holes included: what ext4 with blocks of 4 KiB can hold.
    static let fileBytes: Int64 = (16 << 40) - 4096
    /// Names of one inode in ext4.
    static let links = 65_000

    public init(contentBytes: Int64) { self.contentBytes = contentBytes }
}

/// What is left of ``ArchiveLimits`` while an archive is read.
final class ArchiveBudget {
    let limits: ArchiveLimits
    private var contentBytes: Int64 = 0
    private var metadataBytes = 0
    private var entries = 0

    init(_ limits: ArchiveLimits) { self.limits = limits }

    var remainingContentBytes: Int64 { limits.contentBytes - contentBytes }

    /// - Throws: `.payloadTooLarge`.
    func spend(contentBytes count: Int64) throws {
        let (sum, overflow) = contentBytes.addingReportingOverflow(count)
        guard !overflow, sum <= limits.contentBytes else {
            throw VersError(
                .payloadTooLarge,
                "the image's files are larger than \(limits.contentBytes >> 20) MiB, the limit for this image",
                hint: "make the image smaller, or give the instance a larger disk"
            )
        }
        contentBytes = sum
    }

    func spendEntry(metadataBytes count: Int) throws {
        entries += 1
        metadataBytes += count
        guard entries <= limits.entries else {
            throw VersError(.payloadTooLarge, "the image has more than \(limits.entries) files")
        }
        guard metadataBytes <= limits.metadataBytes else {
            throw VersError(
                .payloadTooLarge,
                "the image's names and attributes are larger than \(limits.metadataBytes >> 20) MiB"
            )
        }
    }
}

extension VersError {
    /// An archive that is not what it should be.
    static func badArchive(_ message: String, hint: String? = nil) -> VersError {
        VersError(.invalidArgument, message, hint: hint)
    }
}

/// Bytes of a name as text for a message: no control characters, and not long.
func shown(_ name: some Collection<UInt8>) -> String {
    let text = String(decoding: name.prefix(120), as: UTF8.self)
    let clean = String(
        String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : $0 })
    )
    return "'\(clean)\(name.count > 120 ? "..." : "")'"
}
