import Testing
import VersAPI
import VersClient

/// A suite with ``Trait/privateNetworks``.
protocol NetworkSuite: Sendable {
    var network: NetworkFixture { get }
}

/// The suite's instance, and the world around it.
struct NetworkFixture: Sendable {
    let instance: Instance
    let world: TestWorld
    let client: VersClient

    init() throws {
        instance = try Instance.current
        world = try #require(TestWorld.shared)
        client = try instance.client()
    }
}

extension NetworkSuite {
    var instance: Instance { network.instance }
    var world: TestWorld { network.world }
    var client: VersClient { network.client }

    /// A small VM in a network of its own.
    func newVM(_ alias: String? = nil, egress: EgressMode? = nil, allow: [String]? = nil) async throws -> MachineID {
        let configuration = MachineConfiguration(
            mem_size_mib: 128,
            image_name: "tiny",
            labels: alias.map { ["alias": $0] },
            network: NetworkConfiguration(mode: .bridge, egress: egress, allow: allow)
        )
        return try await client.createMachine(configuration, waitForBoot: true)
    }

    /// What a web server says, or `no`.
    func fetch(_ host: String, from machine: MachineID, by other: VersClient? = nil) async throws -> String {
        let script = "timeout 10 wget -qO- http://\(host)/ 2>/dev/null || echo no"
        return try await (other ?? client).sh(machine, script)
    }

    /// What the instance has left on the host.
    func leftovers() async throws -> [String] { try await world.leftovers(of: instance.home) }
}
