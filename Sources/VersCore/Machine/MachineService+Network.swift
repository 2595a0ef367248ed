import Logging
public import VersAPI

extension MachineService {
    /// Gives a VM in a private network another egress policy, at once: what it has connected to and may not any more is
    /// cut off.
    /// - Throws: `.conflict` for a VM with the user-mode network, which has no policy.
    public func setEgress(_ request: EgressRequest, of id: MachineID, for principal: Principal) async throws {
        let policy = try EgressPolicy(request.egress ?? .list, allow: request.allow)
        _ = try await record(id, for: principal)
        try await domain.registry.exclusively(id) {
            let before = try await record(id)
            guard let network = before.network else {
                throw VersError(
                    .conflict,
                    "vm \(id) has the user-mode network, which has no egress policy",
                    hint: "start a VM with one: vers run --network bridge"
                )
            }
            guard network.egress != policy else { return }
            let changed = try await domain.metadata.update(id) {
                $0.network?.egress = policy
                $0.network?.revision &+= 1
            }
            guard let attachment = changed.networkAttachment else { return }
            do {
                try await domain.networks.update(attachment)
            } catch {
                try await domain.metadata.update(id) { $0.network = network }
                throw error
            }
        }
    }

    /// The place of a new root VM.
    /// - Throws: `.invalidArgument` for what does not go together, `.unsupported` when this host has no private networks.
    func network(_ configuration: NetworkConfiguration?, inTreeOf id: MachineID) async throws -> MachineNetwork? {
        guard case .bridge(let policy) = try await networkChoice(configuration) else { return nil }
        return try await places(1, inTreeOf: id, policy ?? .open).first
    }

    /// What a request asks for; absent is ``NetworkChoice/inherited``.
    /// - Throws: `.invalidArgument` for what does not go together, `.unsupported` when this host has no private networks.
    func networkChoice(_ configuration: NetworkConfiguration?) async throws -> NetworkChoice {
        guard let configuration else { return .inherited }
        let hasPolicy = configuration.egress != nil || configuration.allow != nil
        guard configuration.mode == .bridge else {
            guard !hasPolicy else {
                throw VersError(
                    .invalidArgument,
                    "network mode 'user' has no egress policy",
                    hint: "use mode 'bridge', or leave egress and allow out"
                )
            }
            return .user
        }
        let policy = hasPolicy ? try EgressPolicy(configuration.egress, allow: configuration.allow) : nil
        try await domain.networks.requireAvailable()
        return .bridge(policy)
    }

    /// Places of `count` new VMs that descend from one with `network`; none without one.
    func places(_ count: Int, like network: MachineNetwork?) async throws -> [MachineNetwork] {
        guard let network, count > 0 else { return [] }
        try await domain.networks.requireAvailable()
        return try await places(count, inTreeOf: network.treeID, network.egress)
    }

    func places(_ count: Int, inTreeOf tree: MachineID, _ egress: EgressPolicy) async throws -> [MachineNetwork] {
        try await domain.addresses.take(count, in: tree).map {
            MachineNetwork(treeID: tree, address: $0, egress: egress)
        }
    }

    /// Places of `count` new VMs from `commit`; none in a user-mode network.
    /// - Parameter id: of the first, which a private network of their own is named after.
    func places(
        _ count: Int,
        from commit: Commit,
        for principal: Principal,
        in choice: NetworkChoice,
        orTreeOf id: MachineID
    ) async throws -> [MachineNetwork] {
        if let network = choice.network(of: commit, for: principal) { return try await places(count, like: network) }
        guard case .bridge(let policy) = choice else { return [] }
        return try await places(count, inTreeOf: id, policy ?? .open)
    }

    /// Refuses an alias that cannot be a name in the VM's private network.
    func requireNetworkName(in labels: [String: String], of machine: Machine) throws {
        if machine.network != nil { try Validation.networkName(in: labels) }
    }

    /// Tells the VM's network of its names, which follow from its labels.
    func updateNames(of machine: Machine) async throws {
        guard let attachment = machine.networkAttachment else { return }
        try await domain.networks.update(attachment)
    }
}

/// How a VM that starts from a commit is connected.
enum NetworkChoice: Sendable, Hashable {
    /// As the VM was that the commit was taken from.
    case inherited
    case user
    /// In the private network of the commit's tree, or else in one of its own. Without a policy it has that of the commit.
    case bridge(EgressPolicy?)

    /// The network of `commit` that its VMs join. Nil when they join none.
    func network(of commit: Commit, for principal: Principal) -> MachineNetwork? {
        guard self != .user, var network = commit.network(for: principal) else { return nil }
        if case .bridge(let policy?) = self { network.egress = policy }
        return network
    }

    /// Whether VMs from `commit` have places in a private network.
    func isBridge(for commit: Commit, _ principal: Principal) -> Bool {
        if case .bridge = self { return true }
        return network(of: commit, for: principal) != nil
    }
}

extension Commit {
    /// The network that VMs of `principal` started from it join. What another organisation gave its VMs is not theirs.
    func network(for principal: Principal) -> MachineNetwork? {
        principal.organisationID == organisationID ? network : nil
    }
}
