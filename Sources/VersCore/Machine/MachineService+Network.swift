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
        guard let configuration else { return nil }
        guard configuration.mode == .bridge else {
            guard configuration.egress == nil, configuration.allow == nil else {
                throw VersError(
                    .invalidArgument,
                    "network mode 'user' has no egress policy",
                    hint: "use mode 'bridge', or leave egress and allow out"
                )
            }
            return nil
        }
        let policy = try EgressPolicy(configuration.egress, allow: configuration.allow)
        try await domain.networks.requireAvailable()
        guard let address = try await domain.addresses.take(1, in: id).first else { return nil }
        return MachineNetwork(treeID: id, address: address, egress: policy)
    }

    /// Places of `count` new VMs that descend from one with `network`; none without one.
    func places(_ count: Int, like network: MachineNetwork?) async throws -> [MachineNetwork] {
        guard let network, count > 0 else { return [] }
        try await domain.networks.requireAvailable()
        return try await domain.addresses.take(count, in: network.treeID).map {
            MachineNetwork(treeID: network.treeID, address: $0, egress: network.egress)
        }
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

extension Commit {
    /// The network that VMs of `principal` started from it join. What another organisation gave its VMs is not theirs.
    func network(for principal: Principal) -> MachineNetwork? {
        principal.organisationID == organisationID ? network : nil
    }
}
