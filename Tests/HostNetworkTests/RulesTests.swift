import SystemPackage
import Testing
import VersAPI

@testable import HostNetwork
@testable import VersCore

struct RulesTests {
    private func attachment(_ last: UInt32, _ egress: EgressPolicy, revision: UInt32 = 1) -> NetworkAttachment {
        let address = IPv4Address(number: 0x0AD5_0000 + last)
        let network = MachineNetwork(treeID: MachineID(), address: address, egress: egress, revision: revision)
        return NetworkAttachment(machineID: MachineID(), network: network, names: ["a"])
    }

    private let router = IPv4Address(number: 0x0AD5_0001)

    @Test func `an open VM is in the open set and asks the open name server`() {
        let script = TreeRules(router: router, attachments: [attachment(2, .open)]).script
        #expect(script.contains("add element ip vers open { 10.213.0.2 }"))
        #expect(!script.contains("add element ip vers limited"))
    }

    @Test func `a list becomes a rule for each entry, shared by the VMs that have it`() throws {
        let policy = try EgressPolicy(nil, allow: ["192.0.2.0/24", "198.51.100.7:53/udp", "Example.com:443"])
        let rules = TreeRules(router: router, attachments: [attachment(2, policy, revision: 7), attachment(3, policy)])
        let script = rules.script
        let set = TreeRules.setName(of: "example.com")
        #expect(rules.allowedNames == ["example.com"])
        #expect(script.contains("egress ip saddr { 10.213.0.2, 10.213.0.3 } ip daddr 192.0.2.0/24 goto admit"))
        #expect(script.contains("ip daddr 198.51.100.7/32 udp dport 53 goto admit"))
        #expect(script.contains("ip daddr @\(set) tcp dport 443 update @\(set) { ip daddr timeout 1h } goto admit"))
        #expect(script.contains("current { 10.213.0.2 . 7, 10.213.0.3 . 1 }"))
        #expect(script.contains("limited { 10.213.0.2, 10.213.0.3 }"))
    }

    @Test func `a VM without egress is let out nowhere`() {
        let script = TreeRules(router: router, attachments: [attachment(2, .none)]).script
        #expect(!script.contains("goto admit"))
        #expect(script.contains("add element ip vers limited { 10.213.0.2 }"))
    }

    @Test func `the limited name server asks outside for names on a list only`() {
        let resolvers = Resolvers(given: [IPv4Address(number: 0xC000_0235)])
        let limited = NameServer(kind: .limited, directory: "/run/vers/t/tree")
            .configuration(router: router, resolvers: resolvers, allowedNames: ["example.com"])
        #expect(limited.contains("server=/example.com/192.0.2.53\n"))
        #expect(!limited.contains("server=192"))
        #expect(limited.contains("nftset=/example.com/4#ip#vers#\(TreeRules.setName(of: "example.com"))\n"))
        let open = NameServer(kind: .open, directory: "/run/vers/t/tree")
            .configuration(router: router, resolvers: resolvers, allowedNames: ["example.com"])
        #expect(open.contains("server=192.0.2.53\n"))
    }

    @Test func `name servers are read from resolv conf`() {
        let text =
            "# nameserver 9.9.9.9\nsearch example.com\nnameserver\t192.0.2.1\nnameserver ::1\nnameserver 127.0.0.53\n"
        #expect(Resolvers.servers(text: text).map(\.description) == ["192.0.2.1", "127.0.0.53"])
    }

    @Test func `a change of names is what some VM is called otherwise`() {
        let (first, second) = (attachment(2, .open), attachment(3, .open))
        let known = [first.machineID: HostsLine(first), second.machineID: HostsLine(second)]
        var renamed = first
        renamed.names = ["b"]
        let changes = HostsLine.changes(from: known, to: [first.machineID: HostsLine(renamed)])
        #expect(
            Set(changes) == [
                NameExpectation(name: "b.vers.internal", address: first.network.address, isPresent: true),
                NameExpectation(name: "a.vers.internal", address: first.network.address, isPresent: false),
                NameExpectation(name: "a.vers.internal", address: second.network.address, isPresent: false),
            ]
        )
        #expect(HostsLine.changes(from: known, to: known).isEmpty)
        #expect("\(HostsLine(first))" == "10.213.0.2 a.vers.internal")
    }

    @Test func `names of interfaces fit the kernel, and namespaces are found again`() {
        let names = NetworkNames(home: "/var/lib/vers")
        #expect(names.hostBridge.utf8.count <= 15)
        #expect(names.hostPort(0x7FFFFF).utf8.count <= 15)
        #expect(NetworkNames.treePort(0x7FFFFF).utf8.count <= 15)
        let id = MachineID()
        for namespace in [NetworkNames.Namespace.tree(id), .machine(id)] {
            #expect(names.namespace(named: names.name(of: namespace)) == namespace)
            #expect(NetworkNames(home: "/other").namespace(named: names.name(of: namespace)) == nil)
        }
        #expect(names.namespace(named: "vers-\(names.tag)-vm-x") == nil)
    }
}
