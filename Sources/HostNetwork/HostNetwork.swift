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
        var names: [MachineID: [String]] = [:]
    }

    struct State: Sendable {
        var machines: [MachineID: NetworkAttachment] = [:]
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

    public func attach(_ attachment: NetworkAttachment) async throws -> GuestTap {
        let tools = try NetworkTools()
        let id = attachment.machineID
        guard addresses.contains(attachment.network.address) else {
            throw VersError(
                .unsupported,
                "vm \(id) has the address \(attachment.network.address), which is not in \(addresses)",
                hint: "start versd with the --guest-network that it had when the VM was made"
            )
        }
        await detach(id)
        do {
            let tap = try await BlockingPool.run { [namespaces] in
                try namespaces.remove(.machine(id))
                return try namespaces.create(.machine(id))
            }
            guard let tap else { throw VersError(.internal, "vm \(id) got no network device") }
            let rules = MachineRules(
                address: attachment.network.address,
                router: router,
                prefixLength: addresses.prefixLength
            )
            async let loaded: Void = tools.rules(rules.script, in: names.path(of: .machine(id)))
            try await join(attachment, tools: tools)
            try await tools.links(rules.links, in: names.name(of: .machine(id)))
            try await loaded
            return tap
        } catch {
            state.withLock { $0.machines[id] = $0.machines[id] ?? attachment }
            await detach(id)
            throw error
        }
    }

    public func update(_ attachment: NetworkAttachment) async throws {
        let tools = try NetworkTools()
        try await changing.withLock {
            let isAttached = state.withLock { state in
                guard state.machines[attachment.machineID] != nil else { return false }
                state.machines[attachment.machineID] = attachment
                return true
            }
            if isAttached { try await apply(attachment.network.treeID, tools: tools) }
        }
    }

    public func detach(_ id: MachineID) async {
        guard state.withLock({ $0.machines[id] }) != nil else { return }
        // A task of its own, awaited here: it does not inherit the cancellation of whoever cleans up.
        await Task {
            do {
                try await changing.withLock { try await leave(id) }
            } catch {
                logger.warning("vm was not taken off its network", metadata: ["vm.id": "\(id)", "error": "\(error)"])
            }
        }.value
    }

    /// Connects a VM's namespace with its tree's, which is made when there is none.
    private func join(_ attachment: NetworkAttachment, tools: NetworkTools) async throws {
        let id = attachment.machineID
        let tree = attachment.network.treeID
        try await changing.withLock {
            state.withLock { $0.machines[id] = attachment }
            try await prepareHost(tools)
            try await prepareTree(tree, tools: tools)
            let port = treePort(of: attachment)
            let line =
                "link add \(port) up master \(NetworkNames.bridge) type veth "
                + "peer name \(NetworkNames.port) netns \(names.name(of: .machine(id)))"
            try await tools.links([line], in: names.name(of: .tree(tree)))
            try await apply(tree, tools: tools)
        }
    }

    /// Goes on after a step that fails, so that as little as possible is left; throws the first failure.
    private func leave(_ id: MachineID) async throws {
        guard let attachment = state.withLock({ $0.machines.removeValue(forKey: id) }) else { return }
        let tree = attachment.network.treeID
        let tools = try NetworkTools()
        var failure: (any Error)?
        let isLast = state.withLock { state in !state.machines.values.contains { $0.network.treeID == tree } }
        if state.withLock({ $0.trees[tree] }) != nil {
            // The pair goes at once; a namespace that is removed lets go of its end some time later. There is none after
            // an attachment that failed.
            try? await tools.links(["link delete \(treePort(of: attachment))"], in: names.name(of: .tree(tree)))
            do {
                if isLast { try await removeTree(tree, tools: tools) } else { try await apply(tree, tools: tools) }
            } catch {
                failure = error
            }
        }
        try await BlockingPool.run { [namespaces] in try namespaces.remove(.machine(id)) }
        if let failure { throw failure }
    }

    func treePort(of attachment: NetworkAttachment) -> String {
        NetworkNames.treePort(attachment.network.address.number - addresses.address.number)
    }

    func attachments(of tree: MachineID) -> [NetworkAttachment] {
        state.withLock { $0.machines.values.filter { $0.network.treeID == tree } }
            .sorted { $0.network.address < $1.network.address }
    }
}
