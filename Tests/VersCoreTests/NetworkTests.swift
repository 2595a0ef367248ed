import Testing
import VersAPI

@testable import VersCore

struct NetworkTests {
    /// With a root VM in a private network.
    private static func run(_ body: (TestDomain, ScriptedNetworks, MachineID) async throws -> Void) async throws {
        let networks = ScriptedNetworks()
        try await TestDomain.run(networks: networks) { test in
            let root = try await test.create(in: NetworkConfiguration(mode: .bridge, allow: ["example.com:443"]))
            try await body(test, networks, root)
        }
    }

    @Test func `children have places of their own in the network of their tree, and its policy`() async throws {
        try await Self.run { test, networks, root in
            let children = try await test.branch(root, count: 5)
            let attached = networks.attached
            #expect(Set(attached.keys) == Set(children + [root]))
            #expect(Set(attached.values.map(\.network.address)).count == 6)
            #expect(attached.values.allSatisfy { $0.network.treeID == root && $0.names == [$0.machineID.text] })
            #expect(Set(attached.values.map(\.network.egress)).count == 1)
            for (id, attachment) in attached { #expect(try await test.record(id)?.network == attachment.network) }
        }
    }

    @Test func `a VM from a commit joins the tree, also when its root is gone, and no other organisation's does`()
        async throws
    {
        try await Self.run { test, networks, root in
            let commit = try await test.commit(root)
            let child = try await test.machines.create(from: commit, owner: test.owner)
            #expect(networks.attached[child]?.network.treeID == root)
            _ = try await test.machines.delete(root, recursive: true, skipWaitBoot: false)
            #expect(networks.attached.isEmpty)
            let later = try await test.machines.create(from: commit, owner: test.owner)
            #expect(networks.attached[later]?.network.treeID == root)
            let theirs = try await test.organisation("theirs")
            _ = try await test.commits.edit(commit, CommitEditRequest(is_public: true), for: .init(test.owner))
            let foreign = try await test.machines.create(from: commit, for: theirs.principal)
            #expect(networks.attached[foreign] == nil)
            #expect(try await test.machines.metadata(of: foreign, for: theirs.principal).network?.mode == .user)
        }
    }

    @Test func `a VM from a commit may be given another network`() async throws {
        try await Self.run { test, networks, root in
            let commit = try await test.commit(root)
            let owner = Principal(test.owner)
            func start(_ network: NetworkConfiguration?) async throws -> (MachineID, MachineNetwork?) {
                let id = try await test.machines.create(from: commit, network: network, for: owner)
                return (id, try await test.record(id)?.network)
            }
            let (user, none) = try await start(NetworkConfiguration(mode: .user))
            #expect(none == nil && networks.attached[user] == nil)
            let (_, same) = try await start(NetworkConfiguration(mode: .bridge))
            #expect(same?.treeID == root)
            #expect(same?.egress == networks.attached[root]?.network.egress)
            let (_, closed) = try await start(NetworkConfiguration(mode: .bridge, egress: EgressMode.none))
            #expect(closed?.treeID == root && closed?.egress == EgressPolicy.none)
            // One of a VM without a private network founds one.
            let plain = try await test.commit(user)
            let founder = try await test.machines.create(from: plain, network: .init(mode: .bridge), for: owner)
            #expect(networks.attached[founder]?.network.treeID == founder)
            #expect(networks.attached[founder]?.network.egress == .open)
            let child = try await test.branch(founder)
            #expect(networks.attached[child[0]]?.network.treeID == founder)
            let error = await #expect(throws: VersError.self) {
                _ = try await start(NetworkConfiguration(mode: .user, egress: .open))
            }
            #expect(error?.code == .invalidArgument)
            networks.setAvailable(false)
            let unsupported = await #expect(throws: VersError.self) { _ = try await start(.init(mode: .bridge)) }
            #expect(unsupported?.code == .unsupported)
        }
    }

    @Test(arguments: [ScriptedHypervisor.Call.startWaiting, .openDisk, .mapMemory, .restore, .execute])
    func `a branch that fails leaves no place`(call: ScriptedHypervisor.Call) async throws {
        try await Self.run { test, networks, root in
            test.hypervisor.fail(call)
            await #expect(throws: (any Error).self) { try await test.branch(root, count: 3) }
            #expect(Set(networks.attached.keys) == [root])
            let directories = try test.machineDirectories()
            #expect(directories == [root])
        }
    }

    @Test(arguments: 1...3) func `a place that cannot be had undoes the whole branch`(number: Int) async throws {
        try await Self.run { test, networks, root in
            networks.failAttachment(number: number)
            await #expect(throws: (any Error).self) { try await test.branch(root, count: 3) }
            #expect(Set(networks.attached.keys) == [root])
            let directories = try test.machineDirectories()
            #expect(directories == [root])
        }
    }

    @Test func `a VM without a process has no place, and the same one when it runs again`() async throws {
        try await Self.run { test, networks, root in
            let place = networks.attached[root]
            for state in [RequestedState.sleeping, .stopped] {
                try await test.machines.setState(of: root, to: state, skipWaitBoot: false)
                #expect(networks.attached.isEmpty)
                try await test.machines.setState(of: root, to: .running, skipWaitBoot: false)
                #expect(networks.attached[root] == place)
            }
        }
    }

    @Test func `a policy that cannot be put into effect is not recorded`() async throws {
        try await Self.run { test, networks, root in
            networks.failUpdate()
            let before = try await test.record(root)?.network
            let request = EgressRequest(egress: EgressMode.none)
            await #expect(throws: VersError.self) {
                try await test.machines.setEgress(request, of: root, for: .init(test.owner))
            }
            #expect(try await test.record(root)?.network == before)
            try await test.machines.setEgress(request, of: root, for: .init(test.owner))
            #expect(networks.attached[root]?.network.egress == EgressPolicy.none)
            #expect(networks.attached[root]?.network.revision == 2)
        }
    }

    @Test func `an alias is a name in the network`() async throws {
        try await Self.run { test, networks, root in
            try await test.machines.upsertLabels(["alias": "Web"], of: root)
            #expect(networks.attached[root]?.names == [root.text, "web"])
            let error = await #expect(throws: VersError.self) {
                try await test.machines.upsertLabels(["alias": "a.b"], of: root)
            }
            #expect(error?.code == .invalidArgument)
            try await test.machines.removeLabel("alias", of: root, for: .init(test.owner))
            #expect(networks.attached[root]?.names == [root.text])
        }
    }

    @Test func `addresses run out with an error and come back`() async throws {
        try await Self.run { test, networks, root in
            // Of 16 addresses the first, the router's and the last are no VM's.
            let children = try await test.branch(root, count: 12)
            let error = await #expect(throws: VersError.self) { try await test.branch(root) }
            #expect(error?.code == .resourceExhausted)
            _ = try await test.machines.delete(children[4], recursive: false, skipWaitBoot: false)
            let again = try await test.branch(root)
            #expect(networks.attached[again[0]] != nil)
            #expect(Set(networks.attached.values.map(\.network.address)).count == 13)
        }
    }

    @Test func `a host without private networks says so before anything is made`() async throws {
        let networks = ScriptedNetworks()
        networks.setAvailable(false)
        try await TestDomain.run(networks: networks) { test in
            let error = await #expect(throws: VersError.self) {
                try await test.create(in: NetworkConfiguration(mode: .bridge))
            }
            #expect(error?.code == .unsupported)
            let directories = try test.machineDirectories()
            #expect(directories.isEmpty)
            _ = try await test.create()
            let policy = await #expect(throws: VersError.self) {
                try await test.create(in: NetworkConfiguration(mode: .user, egress: EgressMode.none))
            }
            #expect(policy?.code == .invalidArgument)
        }
    }
}

extension TestDomain {
    fileprivate func create(in network: NetworkConfiguration) async throws -> MachineID {
        let configuration = MachineConfiguration(mem_size_mib: 128, network: network)
        return try await machines.create(configuration, owner: owner, waitForBoot: true)
    }
}

extension Principal {
    /// The owner's organisation.
    fileprivate init(_ key: KeyID) { self.init(keyID: key, organisationID: .owner) }
}
