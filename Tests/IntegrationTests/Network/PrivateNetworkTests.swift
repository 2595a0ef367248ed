import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient
import VersCore

extension IntegrationTests {
    /// VMs with addresses of their own, on a host that the test makes.
    @Suite(.needs(image: "tiny"), .needsNamespaces, .privateNetworks, .serialized)
    struct PrivateNetworks: NetworkSuite {
        let network: NetworkFixture

        init() throws { network = try NetworkFixture() }

        private func serveName(_ name: String, in machine: MachineID) async throws {
            try await client.sh(
                machine,
                "mkdir -p /tmp/www && echo \(name) >/tmp/www/index.html && httpd -p 8080 -h /tmp/www"
            )
        }

        @Test func `VMs of a tree find each other by name at once, and those of another tree do not`() async throws {
            let parent = try await newVM("parent")
            try await serveName("shared", in: parent)
            let child = try await client.branch(parent)[0]
            async let down = fetch("\(child).vers.internal:8080", from: parent)
            async let up = fetch("parent.vers.internal:8080", from: child)
            #expect(try await [down, up] == ["shared", "shared"])
            try await client.upsertLabels(["alias": "child"], of: child)
            try await client.sh(child, "echo child >/tmp/www/index.html")
            #expect(try await fetch("child.vers.internal:8080", from: parent) == "child")
            #expect(try await fetch("child.vers.internal:8080", from: child) == "child")
            try await client.removeLabel("alias", of: child)
            #expect(try await fetch("child.vers.internal:8080", from: parent) == "no")
            let networks = [try await client.metadata(of: parent), try await client.metadata(of: child)]
            let addresses = networks.map(\.ip)
            #expect(Set(addresses).count == 2)
            for machine in [parent, child] {
                #expect(try await client.sh(machine, "ip -4 addr show eth0").contains("10.0.2.15/24"))
            }

            let stranger = try await newVM()
            #expect(try await fetch("parent.vers.internal:8080", from: stranger) == "no")
            for address in addresses where try await client.metadata(of: stranger).ip != address {
                #expect(try await fetch("\(address):8080", from: stranger) == "no")
            }
            try await client.deleteMachine(parent, recursive: true)
            try await client.deleteMachine(stranger)
        }

        @Test func `many children of one branch are found by name when the call returns`() async throws {
            let parent = try await newVM()
            let children = try await client.branch(parent, count: 5)
            let names = children.map { "\($0).vers.internal" }.joined(separator: " ")
            let script = "for name in \(names); do nslookup $name 10.0.2.3 >/dev/null && echo found; done"
            #expect(try await client.sh(parent, script).split(separator: "\n").count == 5)
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `a VM reaches the world and neither its host nor the cloud's metadata`() async throws {
            let machine = try await newVM()
            #expect(try await fetch(TestWorld.server, from: machine) == "hello from \(TestWorld.server)")
            #expect(try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)")
            // They are there: the host itself reaches both.
            for address in [TestWorld.metadata, TestWorld.hostAddress] {
                let url = "http://\(address)/"
                let script = "import urllib.request; print(urllib.request.urlopen('\(url)').read())"
                #expect(
                    try await world.onHost("/usr/bin/python3", "-c", script).stdout.contains("hello from \(address)")
                )
            }
            let blocked = [TestWorld.metadata, TestWorld.hostAddress, "10.213.128.1", "10.213.0.1", "10.0.2.2"]
            for address in blocked { #expect(try await fetch(address, from: machine) == "no", "\(address)") }
            try await client.deleteMachine(machine)
        }

        @Test func `an egress policy holds, and another one holds at once`() async throws {
            let machine = try await newVM(egress: EgressMode.none)
            #expect(try await fetch(TestWorld.server, from: machine) == "no")
            #expect(try await fetch("example.com", from: machine) == "no")

            try await client.setEgress(EgressRequest(allow: ["example.com:80", TestWorld.otherServer]), of: machine)
            #expect(try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)")
            #expect(try await fetch(TestWorld.otherServer, from: machine) == "hello from \(TestWorld.otherServer)")
            #expect(try await fetch(TestWorld.gateway, from: machine) == "no")
            #expect(try await client.metadata(of: machine).network?.allow == ["example.com:80", TestWorld.otherServer])
            // Even when it is on the list.
            try await client.setEgress(EgressRequest(allow: ["0.0.0.0/0"]), of: machine)
            #expect(try await fetch(TestWorld.gateway, from: machine) == "hello from \(TestWorld.gateway)")
            for address in [TestWorld.metadata, TestWorld.hostAddress] {
                #expect(try await fetch(address, from: machine) == "no", "\(address)")
            }

            // What a list has let out goes on under the same list, and ends with it.
            try await startDownload(in: machine)
            let child = try await client.branch(machine)[0]
            #expect(try await client.metadata(of: child).network?.allow == ["0.0.0.0/0"])
            try await client.setEgress(EgressRequest(egress: EgressMode.none), of: machine)
            try await eventually("the download to end", within: .seconds(10)) {
                let size = try await downloaded(in: machine)
                try await Task.sleep(for: .seconds(1))
                return try await downloaded(in: machine) == size
            }
            #expect(try await fetch(TestWorld.gateway, from: child) == "hello from \(TestWorld.gateway)")
            try await client.deleteMachine(machine, recursive: true)
        }

        @Test func `an inherited connection ends in the child at once and goes on in the parent`() async throws {
            let parent = try await newVM()
            try await startDownload(in: parent)
            let child = try await client.branch(parent)[0]
            try await eventually("the child's connection to fail", within: .seconds(10)) {
                try await client.sh(child, "cat /tmp/slow-status 2>/dev/null || true") != ""
            }
            let size = try await downloaded(in: parent)
            try await eventually("the parent's connection to go on") { try await downloaded(in: parent) > size }
            #expect(try await client.sh(parent, "cat /tmp/slow-status 2>/dev/null || echo running") == "running")
            try await client.deleteMachine(parent, recursive: true)
        }

        private func startDownload(in machine: MachineID) async throws {
            let url = "http://\(TestWorld.server)/slow"
            try await client.sh(
                machine,
                "(wget -qO /tmp/slow \(url); echo $? >/tmp/slow-status) </dev/null >/dev/null 2>&1 &"
            )
            try await eventually("the download to begin") { try await downloaded(in: machine) > 20 }
        }

        private func downloaded(in machine: MachineID) async throws -> Int {
            Int(try await client.sh(machine, "wc -c </tmp/slow 2>/dev/null || echo 0")) ?? 0
        }

        @Test func `whoever joins or leaves a network cuts nobody off from it`() async throws {
            let parent = try await newVM()
            let child = try await client.branch(parent)[0]
            let machines = [parent, child]
            // Both know the router by its address at the bridge from now on.
            for machine in machines {
                #expect(try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)")
            }
            // A bridge without an address of its own would take that of the port with the lowest.
            let port = "link add low0 address 02:00:00:00:00:01 up master br0 type veth peer name low1"
            for change in [port, "link delete low0"] {
                try await world.inTree(parent, of: instance.home, ip: change)
                for machine in machines {
                    #expect(
                        try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)",
                        "\(change)"
                    )
                }
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func `VMs keep their network over a daemon that ends, and it is theirs to the end`(signal: Int32) async throws {
            let parent = try await newVM("parent", allow: ["\(TestWorld.server):80"])
            let child = try await client.branch(parent)[0]
            try await serveName("child", in: child)
            try await client.sh(
                parent,
                "(while wget -qO- http://\(child).vers.internal:8080/ >>/tmp/talk; do sleep 0.2; done) </dev/null >/dev/null 2>&1 &"
            )
            let before = try await client.metadata(of: child)
            try await instance.endDaemon(signal)
            try await instance.startDaemon()
            let client = try instance.client()
            #expect(try await client.metadata(of: child).network == before.network)
            let lines = try await client.sh(parent, "wc -l </tmp/talk")
            try await eventually("the VMs to talk on") { try await client.sh(parent, "wc -l </tmp/talk") != lines }
            #expect(try await client.sh(parent, "timeout 10 wget -qO- http://\(TestWorld.server)/").hasPrefix("hello"))
            #expect(try await client.sh(parent, "timeout 10 wget -qO- http://\(TestWorld.gateway)/ || echo no") == "no")
            let grandchild = try await client.branch(child)[0]
            let url = "http://\(grandchild).vers.internal:8080/"
            let answer = try await client.sh(parent, "timeout 60 wget -qO- \(url) 2>&1 || echo status $?")
            if answer != "child" {
                let state = "date; ps; cat /proc/net/tcp; ip neigh"
                Issue.record(
                    """
                    it answered: \(answer)
                    who asked: \(try await client.sh(parent, state))
                    who was asked: \(try await client.sh(grandchild, state))
                    """
                )
            }
            try await client.deleteMachine(parent, recursive: true)
            #expect(try await leftovers() == [])
        }

        @Test(arguments: [
            OperationStep.branchChildWaiting, .branchFrozen, .branchMemoryComplete, .branchChildRestored,
            .branchChildIdentified, .deleteRecorded,
        ])
        func `a daemon that is killed half-way leaves no network`(step: OperationStep) async throws {
            let parent = try await newVM()
            try await instance.endDaemon()
            let daemon = try await instance.startDaemon(fault: step.rawValue)
            let cut = try instance.client()
            await #expect(throws: (any Error).self) {
                let child = try await cut.branch(parent)[0]
                try await cut.deleteMachine(child)
            }
            #expect(try await instance.daemonEnd().status == 128 + SIGKILL, "\(daemon.stderr.suffix(500))")
            try await instance.startDaemon()
            let client = try instance.client()
            let alive = Set(try await client.machines().map(\.vm_id.text))
            let namespaces = Set(TestWorld.namespaces(of: instance.home).map { String($0.suffix(36)) })
            #expect(namespaces.subtracting(Leftovers.names(in: instance.home.appending("standby"))) == alive)
            try await client.deleteMachine(parent, recursive: true)
            #expect(try await leftovers() == [])
        }

        @Test func `a VM has its address again when it wakes or starts`() async throws {
            let machine = try await newVM()
            let address = try await client.metadata(of: machine).ip
            for state in [RequestedState.sleeping, .stopped] {
                try await client.setState(of: machine, to: state)
                #expect(try await leftovers() == [])
                try await client.setState(of: machine, to: .running)
                #expect(try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)")
                #expect(try await client.metadata(of: machine).ip == address)
            }
            // Memory is lost in a reboot, and while it lasts nobody answers.
            try await client.sh(machine, "touch /dev/shm/mark; reboot -f >/dev/null 2>&1 </dev/null &")
            try await eventually("the VM to have rebooted") {
                let answer = try? await client.sh(machine, "test -e /dev/shm/mark && echo before || echo after")
                return answer == "after"
            }
            #expect(try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)")
            try await client.deleteMachine(machine)
        }

        @Test func `a name server that ends is started again`() async throws {
            let machine = try await newVM("web")
            let files = Leftovers.names(in: "/run/vers").flatMap { tag in
                Leftovers.names(in: FilePath("/run/vers").appending(tag)).map { "/run/vers/\(tag)/\($0)/open.pid" }
            }
            let file = try #require(files.first { $0.contains(machine.text) })
            let pid = try #require(Int32(try String(contentsOfFile: file, encoding: .utf8).filter(\.isNumber)))
            kill(pid, SIGKILL)
            try await eventually("names to be answered") {
                try await fetch("example.com", from: machine) == "hello from \(TestWorld.server)"
            }
            try await client.deleteMachine(machine)
        }

        @Test func `what cannot be is refused with what to do`() async throws {
            let user = try await client.newTiny()
            let noPolicy = try await client.refusal { try await $0.setEgress(EgressRequest(allow: []), of: user) }
            #expect(noPolicy.code == .conflict)
            try await client.deleteMachine(user)
            for (egress, allow) in [(EgressMode.open, ["a"]), (.list, nil), (nil, ["a b"])] {
                let error = try await client.refusal { _ in _ = try await newVM(egress: egress, allow: allow) }
                #expect(error.code == .invalidArgument)
            }
            let name = try await client.refusal { _ in _ = try await newVM("not_a_name") }
            #expect(name.code == .invalidArgument)

            _ = try await world.onHost("/usr/sbin/sysctl", "-qw", "net.ipv4.ip_forward=0")
            let unsupported = try await client.refusal { _ in _ = try await newVM() }
            _ = try await world.onHost("/usr/sbin/sysctl", "-qw", "net.ipv4.ip_forward=1")
            #expect(unsupported.code == .unsupported)
            #expect(unsupported.hint?.contains("sysctl") == true)
            #expect(try await leftovers() == [])
        }

        @Test func `the command line gives a VM a network and shows it`() async throws {
            try await instance.ok("run --rootfs tiny --mem-size 128 --network bridge --allow example.com:80 -N web")
            try await instance.ok("branch web -n api")
            let shown = try await instance.ok("network api").stdout
            for part in ["bridge", "api.vers.internal", "list: example.com:80"] {
                #expect(shown.contains(part), "\(shown)")
            }
            #expect(try await instance.ok("network web --egress open").stdout.contains("open"))
            let pinged = try await instance.ok("execute web -- ping -c1 -W5 api.vers.internal")
            #expect(pinged.stdout.contains("1 packets received"))
            try await instance.ok("kill -r -y web")

            // A VM from a commit need not be connected as the one that the commit was taken from.
            try await instance.ok("run --rootfs tiny --mem-size 128 -N plain")
            let commit = try await instance.ok("commit plain -q").text
            try await instance.ok("run-commit \(commit) --network bridge --egress none -N founder")
            #expect(try await instance.ok("network founder").stdout.contains("Egress:  none"))
            try await instance.ok("branch \(commit) --network bridge -n other")
            #expect(try await instance.ok("network other").stdout.contains("bridge"))
            let refused = try await instance.vers(["branch", "plain", "--network", "bridge"])
            #expect(refused.status == 5)
            #expect(refused.stderr.contains("is in its network") && refused.stderr.contains("hint:"))
            for name in ["founder", "other", "plain"] { try await instance.ok("kill -r -y \(name)") }
            try await instance.ok("commit delete \(commit)")
        }
    }
}
