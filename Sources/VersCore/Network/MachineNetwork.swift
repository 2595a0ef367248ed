public import VersAPI

/// A VM's place in the private network of its tree. A VM without one has the user-mode network.
///
/// Inside, every guest has the same address and the same MAC address, so that a branch changes nothing in it; `address`
/// is what the others see.
public struct MachineNetwork: Sendable, Hashable, Codable {
    /// The root VM that the private network is named after. It may be gone.
    public let treeID: MachineID
    public let address: IPv4Address
    public var egress: EgressPolicy
    /// Counts the changes of `egress`: what was connected under an earlier policy is judged anew.
    public var revision: UInt32

    public init(treeID: MachineID, address: IPv4Address, egress: EgressPolicy, revision: UInt32 = 1) {
        self.treeID = treeID
        self.address = address
        self.egress = egress
        self.revision = revision
    }

    /// The domain of the names in a private network. `internal` is set aside for such use.
    public static let domain = "vers.internal"
    /// The label whose value is a VM's name in its private network.
    public static let nameLabel = "alias"
}

extension Machine {
    /// What the host is to give the VM. Nil in a user-mode network.
    var networkAttachment: NetworkAttachment? {
        network.map { NetworkAttachment(machineID: id, network: $0, names: networkNames) }
    }

    /// The VM's names below ``MachineNetwork/domain``: its id, and its alias if that can be one.
    var networkNames: [String] {
        let alias = labels?[MachineNetwork.nameLabel].flatMap { DNSName.isLabel($0) ? $0.lowercased() : nil }
        return [id.text] + [alias].compactMap(\.self)
    }

    var networkInfo: MachineNetworkInfo {
        guard let network else { return MachineNetworkInfo(mode: .user) }
        return MachineNetworkInfo(
            mode: .bridge,
            address: network.address.description,
            names: networkNames.map { "\($0).\(MachineNetwork.domain)" },
            egress: network.egress.mode,
            allow: network.egress.allow
        )
    }
}
