/// Opens a qcow2 file as a node of the block graph.
public struct BlockdevAdd: QMPCommand {
    public struct File: Encodable, Sendable {
        public var driver = "file"
        public var filename: String
        public var nodeName: String
        public var discard = "unmap"

        public init(filename: String, nodeName: String) {
            self.filename = filename
            self.nodeName = nodeName
        }

        enum CodingKeys: String, CodingKey {
            case driver, filename, discard
            case nodeName = "node-name"
        }
    }

    public static let name = "blockdev-add"
    public var driver = "qcow2"
    public var nodeName: String
    public var file: File
    public var discard = "unmap"
    /// Whether the backing file that the header names is opened, too.
    public var opensBackingFile: Bool

    public init(nodeName: String, file: File, opensBackingFile: Bool) {
        self.nodeName = nodeName
        self.file = file
        self.opensBackingFile = opensBackingFile
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(driver, forKey: .driver)
        try container.encode(nodeName, forKey: .nodeName)
        try container.encode(file, forKey: .file)
        try container.encode(discard, forKey: .discard)
        // Null, not absent: absent means the backing file that the header names.
        if !opensBackingFile { try container.encodeNil(forKey: .backing) }
    }

    enum CodingKeys: String, CodingKey {
        case driver, file, discard, backing
        case nodeName = "node-name"
    }
}

public struct BlockdevDel: QMPCommand {
    public static let name = "blockdev-del"
    public var nodeName: String

    public init(nodeName: String) { self.nodeName = nodeName }

    enum CodingKeys: String, CodingKey {
        case nodeName = "node-name"
    }
}

/// Puts `overlay`, a node without a backing file, on top of `node`, for whatever uses `node`.
public struct BlockdevSnapshot: QMPCommand {
    public static let name = "blockdev-snapshot"
    public var node: String
    public var overlay: String

    public init(node: String, overlay: String) {
        self.node = node
        self.overlay = overlay
    }
}

public struct BlockResize: QMPCommand {
    public static let name = "block_resize"
    public var nodeName: String
    public var size: UInt64

    public init(nodeName: String, sizeInBytes: UInt64) {
        self.nodeName = nodeName
        size = sizeInBytes
    }

    enum CodingKeys: String, CodingKey {
        case size
        case nodeName = "node-name"
    }
}

/// Copies what lies between `base` and `device` into `device`. Its end is an event.
public struct BlockStream: QMPCommand {
    public static let name = "block-stream"
    public var jobID: String
    /// A node name.
    public var device: String
    /// A node name.
    public var base: String
    /// What the header of `device` names afterwards.
    public var backingFile: String

    public init(jobID: String, device: String, base: String, backingFile: String) {
        self.jobID = jobID
        self.device = device
        self.base = base
        self.backingFile = backingFile
    }

    enum CodingKeys: String, CodingKey {
        case device
        case jobID = "job-id"
        case base = "base-node"
        case backingFile = "backing-file"
    }
}

public struct BlockJobCancel: QMPCommand {
    public static let name = "block-job-cancel"
    public var device: String
    public var force = true

    public init(jobID: String) { device = jobID }
}

/// The nodes that hold a drive of the guest, and what lies under them.
public struct QueryBlock: QMPCommand {
    public struct Drive: Decodable, Sendable, Hashable {
        public var inserted: Medium?
        /// The path of the guest's device in QEMU's object tree.
        public var qdev: String?
    }

    public struct Medium: Decodable, Sendable, Hashable {
        public var nodeName: String?
        /// As QEMU opened it: relative to its working directory, perhaps.
        public var file: String
        /// The format or protocol: `qcow2`, `raw`, `file`.
        public var driver: String

        enum CodingKeys: String, CodingKey {
            case file
            case driver = "drv"
            case nodeName = "node-name"
        }
    }

    public typealias Response = [Drive]

    public static let name = "query-block"
    public init() {}
}

/// Every node of the block graph.
public struct QueryNamedBlockNodes: QMPCommand {
    public typealias Response = [QueryBlock.Medium]

    public static let name = "query-named-block-nodes"
    public var flat = true
    public init() {}
}
