internal import Glibc
internal import HostSystem
public import Logging
internal import Synchronization
public import SystemPackage
public import VersAPI
public import VersCore

/// Private networks out of the kernel's namespaces.
///
/// Every VM has a namespace with the host's end of its card, whose rules turn the guest's address, the same in every
/// guest, into the VM's own. All VMs of a tree are at a bridge in the tree's namespace, which is their router and name
/// server; all trees are at one bridge in the daemon's namespace. What is made lasts without the daemon.
public final class HostNetwork: GuestNetworking {
    public struct Configuration: Sendable {
        /// Half of it is for VMs, the same in every tree, and half for the trees' routers.
        public static let defaultBlock = IPv4Network(address: IPv4Address(number: 0x0AD5_0000), prefixLength: 16)
        public static let prefixLengths = 8...24

        public var home: FilePath
        public var block: IPv4Network
        /// Who answers for names outside. Empty: the host's own name servers.
        public var resolvers: [IPv4Address]

        /// - Parameter home: the instance's directory, which its networks are named after.
        public init(home: FilePath, block: IPv4Network = defaultBlock, resolvers: [IPv4Address] = []) {
            self.home = home
            self.block = block
            self.resolvers = resolvers
        }
    }

    struct Tree: Sendable {
        /// Its place at the host's bridge.
        var uplink: UInt32
        /// What each name server was last started with.
        var configurations: [NameServer.Kind: String] = [:]
        /// What is written for the name servers: an address and its names.
        var names: [MachineID: HostsLine] = [:]
        /// The latest of ``State/changes`` that is in effect.
        var appliedChange: UInt64 = 0
    }

    struct State: Sendable {
        /// Have a namespace and a TAP device.
        var prepared: Set<MachineID> = []
        var machines: [MachineID: NetworkAttachment] = [:]
        /// Counts what was put into `machines`.
        var changes: UInt64 = 0
        var trees: [MachineID: Tree] = [:]
        var isHostReady = false
    }

    public let addresses: IPv4Network
    let uplinks: IPv4Network
    let resolvers: Resolvers
    let names: NetworkNames
    let namespaces: NamespaceStore
    let logger: Logger
    /// Held through every change of what several VMs share.
    let changing = AsyncLock()
    let state = Mutex(State())

    public init(configuration: Configuration, logger: Logger) {
        let half = configuration.block.prefixLength + 1
        addresses = IPv4Network(address: configuration.block.address, prefixLength: half)
        uplinks = IPv4Network(
            address: configuration.block.address(at: UInt32(1) << UInt32(32 - half)),
            prefixLength: half
        )
        resolvers = Resolvers(given: configuration.resolvers)
        names = NetworkNames(home: HostFile.resolved(configuration.home) ?? configuration.home)
        namespaces = NamespaceStore(names: names)
        self.logger = logger
    }

    var router: IPv4Address { addresses.address(at: 1) }

    private var machineRules: MachineRules { MachineRules(router: router, prefixLength: addresses.prefixLength) }

    public func requireAvailable() async throws {
        guard geteuid() == 0 else {
            throw VersError(
                .unsupported,
                "private networks need a daemon that runs as root, and this one runs as user \(geteuid())",
                hint: "start versd as root, or leave the network out: the user-mode network needs nothing"
            )
        }
        _ = try NetworkTools()
        guard access("/dev/net/tun", R_OK | W_OK) == 0 else {
            throw VersError(.unsupported, "private networks need /dev/net/tun", hint: "load it with: modprobe tun")
        }
        let forwarding = try HostFile.readText("/proc/sys/net/ipv4/ip_forward", limitInBytes: 8)
        guard forwarding.hasPrefix("1") else {
            throw VersError(
                .unsupported,
                "private networks need a host that forwards packets, and net.ipv4.ip_forward is 0",
                hint: "switch it on with: sysctl -w net.ipv4.ip_forward=1"
            )
        }
    }

    public func prepare(_ id: MachineID) async throws -> GuestTap {
        let tools = try NetworkTools()
        await detach(id)
        state.withLock { _ = $0.prepared.insert(id) }
        do {
            let tap = try await BlockingPool.run { [namespaces] in
                try namespaces.remove(.machine(id))
                return try namespaces.create(.machine(id))
            }
            guard let tap else { throw VersError(.internal, "vm \(id) got no network device") }
            async let loaded: Void = tools.rules(machineRules.script, in: names.path(of: .machine(id)))
            try await tools.links(machineRules.links, in: names.name(of: .machine(id)))
            try await loaded
            return tap
        } catch {
            await detach(id)
            throw error
        }
    }

    public func join(_ attachment: NetworkAttachment) async throws {
        do {
            try await join(attachment, tools: try NetworkTools())
        } catch {
            await detach(attachment.machineID)
            throw error
        }
    }

    public func update(_ attachment: NetworkAttachment) async throws {
        let tools = try NetworkTools()
        try await changing.withLock {
            guard state.withLock({ $0.machines[attachment.machineID] }) != nil else { return }
            note(attachment)
            try await apply(attachment.network.treeID, tools: tools)
        }
    }

    public func detach(_ id: MachineID) async {
        guard state.withLock({ $0.machines[id] != nil || $0.prepared.contains(id) }) else { return }
        // A task of its own, awaited here: it does not inherit the cancellation of whoever cleans up.
        await Task {
            do {
                try await changing.withLock { try await leave(id) }
            } catch {
                logger.warning("vm was not taken off its network", metadata: ["vm.id": "\(id)", "error": "\(error)"])
            }
        }.value
    }

    /// Connects a VM's namespace with its tree's, which is made when there is none. Of several VMs that wait for their
    /// turn, the first brings the tree up to date for all.
    private func join(_ attachment: NetworkAttachment, tools: NetworkTools) async throws {
        let (id, tree, address) = (attachment.machineID, attachment.network.treeID, attachment.network.address)
        guard addresses.contains(address) else {
            throw VersError(
                .unsupported,
                "vm \(id) has the address \(address), which is not in \(addresses)",
                hint: "start versd with the --guest-network that it had when the VM was made"
            )
        }
        let change = note(attachment)
        try await changing.withLock {
            guard state.withLock({ $0.prepared.contains(id) && $0.machines[id] != nil }) else {
                throw VersError(.cancelled, "vm \(id) was taken off its network")
            }
            try await prepareHost(tools)
            try await prepareTree(tree, tools: tools)
            let port = treePort(of: attachment)
            let line =
                "link add \(port) up master \(NetworkNames.bridge) type veth "
                + "peer name \(NetworkNames.port) netns \(names.name(of: .machine(id)))"
            try await tools.links([line], in: names.name(of: .tree(tree)))
            async let linked: Void = tools.links(machineRules.links(address: address), in: names.name(of: .machine(id)))
            let isApplied = state.withLock { ($0.trees[tree]?.appliedChange ?? 0) >= change }
            if !isApplied { try await apply(tree, tools: tools) }
            try await linked
        }
    }

    /// Has the next ``apply(_:tools:)`` take notice of a VM.
    /// - Returns: the number of the change.
    @discardableResult
    private func note(_ attachment: NetworkAttachment) -> UInt64 {
        state.withLock { state in
            state.machines[attachment.machineID] = attachment
            state.changes += 1
            return state.changes
        }
    }

    /// Goes on after a step that fails, so that as little as possible is left; throws the first failure.
    private func leave(_ id: MachineID) async throws {
        let attachment = state.withLock { state in
            state.prepared.remove(id)
            return state.machines.removeValue(forKey: id)
        }
        var failure: (any Error)?
        do {
            if let attachment { try await leaveTree(attachment) }
        } catch {
            failure = error
        }
        try await BlockingPool.run { [namespaces] in try namespaces.remove(.machine(id)) }
        if let failure { throw failure }
    }

    private func leaveTree(_ attachment: NetworkAttachment) async throws {
        let tree = attachment.network.treeID
        guard state.withLock({ $0.trees[tree] }) != nil else { return }
        let tools = try NetworkTools()
        // The pair goes at once; a namespace that is removed lets go of its end some time later. There is none after an
        // attachment that failed.
        try? await tools.links(["link delete \(treePort(of: attachment))"], in: names.name(of: .tree(tree)))
        let isLast = state.withLock { state in !state.machines.values.contains { $0.network.treeID == tree } }
        if isLast { try await removeTree(tree, tools: tools) } else { try await apply(tree, tools: tools) }
    }

    func treePort(of attachment: NetworkAttachment) -> String {
        NetworkNames.treePort(attachment.network.address.number - addresses.address.number)
    }

    func attachments(of tree: MachineID) -> [NetworkAttachment] {
        state.withLock { $0.machines.values.filter { $0.network.treeID == tree } }
            .sorted { $0.network.address < $1.network.address }
    }
}
