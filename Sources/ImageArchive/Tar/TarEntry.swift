/// A member of a tar archive.
struct TarEntry {
    enum Kind {
        case file
        case directory
        case symlink
        case hardLink
        case characterDevice
        case blockDevice
        case fifo
    }

    /// A run of bytes that is stored; what lies between runs is a hole.
    struct Extent {
        /// Where it belongs in the file.
        var offset: Int64
        var content: FileRange
    }

    var path: [UInt8]
    var kind: Kind
    /// The permission bits.
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var modified: Timestamp
    /// Of a link.
    var target: [UInt8] = []
    var major: UInt32 = 0
    var minor: UInt32 = 0
    var xattrs: [ExtendedAttribute] = []
    /// The length of a file, holes included.
    var size: Int64 = 0
    var extents: [Extent] = []

    /// The bytes that are stored.
    var storedBytes: Int64 { extents.reduce(0) { $0 + $1.content.length } }
}

struct Timestamp: Equatable {
    var seconds: Int64
    var nanoseconds: UInt32 = 0

    static let epoch = Timestamp(seconds: 0)
}

struct ExtendedAttribute: Equatable {
    /// With its namespace.
    var name: String
    var value: [UInt8]
}
