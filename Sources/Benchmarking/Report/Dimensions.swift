/// What a measurement was taken on.
public struct Dimensions: Codable, Sendable, Hashable {
    public var image: String?
    public var memoryMiB: Int?
    /// Megabytes (10^6 bytes) changed in the guest since the last branch.
    public var dirtyMB: Int?
    public var children: Int?
    /// Whether monitors were started for the measurement (`cold`) or waited ahead of it (`standby`).
    public var start: String?

    public init(
        image: String? = nil,
        memoryMiB: Int? = nil,
        dirtyMB: Int? = nil,
        children: Int? = nil,
        start: String? = nil
    ) {
        self.image = image
        self.memoryMiB = memoryMiB
        self.dirtyMB = dirtyMB
        self.children = children
        self.start = start
    }

    enum CodingKeys: String, CodingKey {
        case image
        case memoryMiB = "memory_mib"
        case dirtyMB = "dirty_mb"
        case children
        case start
    }
}
