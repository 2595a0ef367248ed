import QMP

/// Writes the state of the machine, RAM and all, as a migration stream. Its end is an event.
struct Migrate: QMPCommand {
    static let name = "migrate"
    var uri: String
}

struct MigrateSetParameters: QMPCommand {
    static let name = "migrate-set-parameters"
    /// Bytes a second.
    var maximumBandwidth: Int64

    enum CodingKeys: String, CodingKey {
        case maximumBandwidth = "max-bandwidth"
    }
}

/// Makes an overlay and puts it on top of a node.
struct BlockdevSnapshotSync: QMPCommand {
    static let name = "blockdev-snapshot-sync"
    var nodeName: String
    var file: String
    var overlayNodeName: String
    var format = "qcow2"

    enum CodingKeys: String, CodingKey {
        case format
        case nodeName = "node-name"
        case file = "snapshot-file"
        case overlayNodeName = "snapshot-node-name"
    }
}
