import VersAPI

/// Chooses the addresses of VMs in the private networks of their trees.
///
/// Addresses are taken in order and again only after the whole block was used, so that one which was just given to a VM
/// that is not recorded yet needs no further note, and nobody's memory of a deleted VM leads to another one.
actor AddressBook {
    /// The first is the block's own, the second the router's.
    private static let firstOffset: UInt32 = 2

    private let metadata: any MetadataStoring
    private let addresses: IPv4Network
    private var nextOffset: [MachineID: UInt32] = [:]

    init(metadata: any MetadataStoring, addresses: IPv4Network) {
        self.metadata = metadata
        self.addresses = addresses
    }

    /// - Throws: `.resourceExhausted` when every address of the tree is in use.
    func take(_ count: Int, in tree: MachineID) async throws -> [IPv4Address] {
        let used = Set(
            try await metadata.liveMachines().compactMap { $0.network?.treeID == tree ? $0.network?.address : nil }
        )
        // The block's last address is for broadcasts.
        let end = UInt32(1) << UInt32(32 - addresses.prefixLength) - 1
        // From here to the end nothing suspends: two callers never get the same.
        var offset = nextOffset[tree] ?? Self.offset(after: used.max(), in: addresses)
        var taken: [IPv4Address] = []
        var tries = Self.firstOffset
        while taken.count < count {
            guard tries < end else {
                throw VersError(
                    .resourceExhausted,
                    "the private network \(addresses) has no \(count) free addresses: \(used.count) are in use",
                    hint: "delete VMs of the tree that you no longer need: vers tree"
                )
            }
            if offset >= end { offset = Self.firstOffset }
            let address = addresses.address(at: offset)
            if !used.contains(address) { taken.append(address) }
            offset += 1
            tries += 1
        }
        nextOffset[tree] = offset
        return taken
    }

    private static func offset(after last: IPv4Address?, in addresses: IPv4Network) -> UInt32 {
        guard let last, addresses.contains(last) else { return firstOffset }
        return max(firstOffset, last.number - addresses.address.number + 1)
    }
}
