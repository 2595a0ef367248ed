internal import HostSystem
internal import SystemPackage
internal import VersAPI

/// What everything is called that an instance makes on the host, so that it is found again and never mistaken for
/// another's. The kernel allows 15 bytes for an interface.
struct NetworkNames: Sendable, Hashable {
    static let namespaceDirectory: FilePath = "/run/netns"
    static let runtimeDirectory: FilePath = "/run/vers"

    /// In a tree's namespace: the bridge that its VMs are at, and the way out.
    static let bridge = "br0"
    static let uplink = "uplink"
    /// Of every bridge. One without an address of its own has the lowest of its ports', and another when a port joins or
    /// leaves: whoever knows the former is not heard until he has asked again, for up to a minute. No two bridges are at one
    /// network.
    static let bridgeAddress = "02:76:65:72:73:01"
    /// In a VM's namespace: the guest's end, and the way to its tree.
    static let tap = "tap0"
    static let port = "up0"
    /// Of the rules inside our namespaces.
    static let table = "vers"

    enum Namespace: Hashable {
        case tree(MachineID)
        case machine(MachineID)
    }

    /// Six digits that stand for the instance's home.
    let tag: String

    init(home: FilePath) {
        tag = String(String(StableHash.of(home.string), radix: 16).suffix(6))
    }

    var hostBridge: String { "vers\(tag)" }
    var hostTable: String { "vers_\(tag)" }
    var directory: FilePath { Self.runtimeDirectory.appending(tag) }

    func hostPort(_ index: UInt32) -> String { "v\(tag)r\(String(index, radix: 16))" }

    static func treePort(_ offset: UInt32) -> String { "vm\(String(offset, radix: 16))" }

    func directory(of tree: MachineID) -> FilePath { directory.appending(tree.text) }

    func name(of namespace: Namespace) -> String {
        switch namespace {
        case .tree(let id): "vers-\(tag)-tree-\(id.text)"
        case .machine(let id): "vers-\(tag)-vm-\(id.text)"
        }
    }

    func path(of namespace: Namespace) -> FilePath { Self.namespaceDirectory.appending(name(of: namespace)) }

    /// Nil when the name is another's.
    func namespace(named name: String) -> Namespace? {
        if let id = id(in: name, after: "vers-\(tag)-tree-") { return .tree(id) }
        return id(in: name, after: "vers-\(tag)-vm-").map(Namespace.machine)
    }

    private func id(in name: String, after prefix: String) -> MachineID? {
        name.hasPrefix(prefix) ? MachineID(String(name.dropFirst(prefix.count))) : nil
    }
}
