import VersAPI

/// Where the stored bytes of a sparse file belong.
struct SparseMap {
    struct Segment {
        var offset: Int64
        var length: Int64
    }

    var segments: [Segment]
    /// The length of the file, holes included.
    var size: Int64

    /// - Parameter numbers: offset and length, in turn.
    init(numbers: [Int64], size: Int64) throws {
        guard numbers.count.isMultiple(of: 2) else { throw Self.damaged }
        segments = stride(from: 0, to: numbers.count, by: 2).map {
            Segment(offset: numbers[$0], length: numbers[$0 + 1])
        }
        self.size = size
    }

    /// The stored bytes, one run behind the other, put where they belong.
    /// - Throws: when runs overlap, reach beyond the end, or are not what is stored.
    func extents(in content: FileRange) throws -> [TarEntry.Extent] {
        var extents: [TarEntry.Extent] = []
        var end: Int64 = 0
        var stored: Int64 = 0
        for segment in segments {
            guard segment.offset >= end, segment.length >= 0, segment.length <= size,
                segment.offset <= size - segment.length
            else { throw Self.damaged }
            end = segment.offset + segment.length
            if segment.length > 0 {
                extents.append(
                    TarEntry.Extent(
                        offset: segment.offset,
                        content: try content.part(from: stored, count: segment.length)
                    )
                )
            }
            stored += segment.length
        }
        guard stored == content.length else { throw Self.damaged }
        return extents
    }

    static let damaged = VersError.badArchive("the archive is damaged: the map of a sparse file cannot be right")
}
