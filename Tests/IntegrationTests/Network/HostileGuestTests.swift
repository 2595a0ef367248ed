import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// Guests that make their packets by hand, and what hosts have that are not made for private networks.
    @Suite(.needs(image: "tiny"), .needsNamespaces, .privateNetworks, .serialized)
    struct HostileGuests: NetworkSuite {
        let network: NetworkFixture

        private static let foreignMAC: [UInt8] = [0x52, 0x54, 0x00, 0x66, 0x66, 0x66]
        /// Prints what frames say that pass in a namespace, and whether they bear the foreign MAC address.
        private static let listener = """
            import re, socket
            card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            print("ready", flush=True)
            while True:
                frame = card.recv(2048)
                for word in re.findall(rb"(?:HOSTILE|HONEST)-[a-z0-9]+", frame): print(word.decode(), flush=True)
                if frame[6:12].hex() == "525400666666": print("FOREIGN", flush=True)
            """

        init() throws { network = try NetworkFixture() }

        private func namespace(_ suffix: String) throws -> FilePath {
            let name = Leftovers.names(in: "/run/netns").first { $0.hasSuffix(suffix) }
            return FilePath("/run/netns").appending(try #require(name, "no namespace ends with \(suffix)"))
        }

        private func listen(in namespace: FilePath) async throws -> RunningProgram {
            let program = try RunningProgram(
                "/usr/bin/nsenter",
                ["--net=\(namespace)", "/usr/bin/python3", "-c", Self.listener],
                environment: ["PATH": "/usr/bin:/bin"],
                directory: "/tmp"
            )
            try await eventually("the listener in \(namespace)") { program.stdout.hasPrefix("ready") }
            return program
        }

        private func send(_ frames: [Frame], from machine: MachineID) async throws {
            try await client.sh(machine, "/root/frames \(frames.map(\.hexadecimal).joined(separator: " "))")
        }

        @Test func `what a guest makes by hand reaches nobody under another name`() async throws {
            let attacker = try await newVM(egress: EgressMode.none)
            let program = try await GuestProgram.compile("frames", into: instance.root)
            try await client.writeFile(program, to: "/root/frames", in: attacker, mode: 0o755)
            let sibling = try await client.branch(attacker)[0]
            try await client.setEgress(EgressRequest(egress: .open), of: sibling)
            let address = try await client.metadata(of: sibling).ip
            let places = [try namespace("-tree-\(attacker)"), try namespace("-vm-\(sibling)"), world.outsideNamespace]
            var listeners: [RunningProgram] = []
            for place in places { listeners.append(try await listen(in: place)) }
            defer {
                for listener in listeners {
                    listener.signal(SIGKILL)
                    listener.forget()
                }
            }
            try await send(
                [
                    .udp("HONEST-refused", to: TestWorld.server),
                    .udp("HOSTILE-sibling", from: address, to: TestWorld.server),
                    .udp("HOSTILE-stranger", from: "203.0.113.9", to: address),
                    .udp("HOSTILE-neighbour", from: "10.0.2.77", to: address),
                    // What refuses them must not answer to somebody else.
                    .udp("HOSTILE-refusal", from: address, to: "10.0.2.2"),
                    .echoRequest("HOSTILE-echo", from: address, to: "10.0.2.2"),
                    .echoRequest("HOSTILE-router", from: address, to: "10.213.0.1"),
                    .udp("HOSTILE-metadata", to: TestWorld.metadata),
                    .udp("HOSTILE-link", from: "169.254.1.1", to: TestWorld.metadata),
                    .udp(
                        "HOSTILE-offer",
                        from: "10.0.2.2",
                        to: "255.255.255.255",
                        ports: (67, 68),
                        gateway: Frame.broadcastMAC
                    ),
                    .udp("HOSTILE-broadcast", to: "10.213.127.255", gateway: Frame.broadcastMAC),
                    .udp(
                        "HOSTILE-multicast",
                        to: "224.0.0.251",
                        ports: (5353, 5353),
                        gateway: [0x01, 0, 0x5E, 0, 0, 0xFB]
                    ),
                    .gratuitousARP("HOSTILE-arp", of: "10.213.0.1"), .gratuitousARP("HOSTILE-gateway", of: "10.0.2.2"),
                    .routerAdvertisement("HOSTILE-router6"),
                    .udp("HONEST-first", to: address, mac: Self.foreignMAC),
                    .udp("HONEST-last", to: address),
                ],
                from: attacker
            )
            for listener in listeners.prefix(2) {
                try await eventually("the last datagram") { listener.stdout.contains("HONEST-last") }
            }
            // The way out is the same for both.
            try await send([.udp("HONEST-out", to: TestWorld.server)], from: sibling)
            try await eventually("a datagram outside") { listeners[2].stdout.contains("HONEST-out") }
            let out = "HONEST-out"
            let expected: [Set<String>] = [
                ["HONEST-refused", "HONEST-first", "HONEST-last", out], ["HONEST-first", "HONEST-last", out], [out],
            ]
            for (listener, expected) in zip(listeners, expected) {
                #expect(Set(listener.stdout.split(separator: "\n").map(String.init)).subtracting(["ready"]) == expected)
            }
            // The gateway of neither is another's now.
            #expect(try await client.sh(sibling, "timeout 10 wget -qO- http://\(TestWorld.server)/").hasPrefix("hello"))
            try await client.deleteMachine(attacker, recursive: true)
        }

        @Test func `there is no IPv6, neither as an answer nor as a way`() async throws {
            let machine = try await newVM()
            let sibling = try await client.branch(machine)[0]
            let ask = """
                import socket, struct, sys
                def answers(server, name):
                    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
                    card = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    card.settimeout(20)
                    card.connect((server, 53))
                    card.send(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack("!B2H", 0, 28, 1))
                    return struct.unpack("!6H", card.recv(512)[:12])[3]
                print([answers(server, name) for server, name in [part.split("=") for part in sys.argv[1:]]])
                """
            let asked = try RunningProgram(
                "/usr/bin/nsenter",
                ["--net=\(try namespace("-tree-\(machine)"))", "/usr/bin/python3", "-c", ask]
                    + [
                        "\(TestWorld.resolver)=example.com", "10.213.0.1=example.com",
                        "10.213.0.1=\(sibling).vers.internal",
                    ],
                environment: ["PATH": "/usr/bin:/bin"],
                directory: "/tmp"
            )
            defer { asked.forget() }
            // The world has one; the tree's own name server keeps it back.
            let result = try await asked.result(within: .seconds(60))
            #expect(result.text == "[1, 0, 0]", "\(result)")
            for suffix in ["-tree-\(machine)", "-vm-\(machine)", "-vm-\(sibling)"] {
                let files = try await tool("--net=\(try namespace(suffix))", "cat", "/proc/net/if_inet6")
                #expect(files.text == "", "\(suffix): \(files)")
            }
            try await client.deleteMachine(machine, recursive: true)
        }

        private func tool(_ arguments: String...) async throws -> ProgramResult {
            let program = try RunningProgram(
                "/usr/bin/nsenter",
                arguments,
                environment: ["PATH": "/usr/bin:/bin"],
                directory: "/tmp"
            )
            defer { program.forget() }
            return try await program.result(within: .seconds(30))
        }

        @Test func `a second instance on the host is told that the block is taken, and gets along with another`()
            async throws
        {
            let first = try await newVM()
            let configuration = MachineConfiguration(
                mem_size_mib: 128,
                image_name: "tiny",
                network: NetworkConfiguration(mode: .bridge)
            )
            try await world.withInstance { second in
                let error = try await second.client().refusal {
                    _ = try await $0.createMachine(configuration, waitForBoot: true)
                }
                #expect(error.code == .conflict)
                #expect(error.message.contains("10.213.0.0/16"))
                #expect(error.hint?.contains("--guest-network") == true)
                #expect(try await second.client().machines().isEmpty)
            }
            let options = ["--guest-dns", TestWorld.resolver, "--guest-network", "10.77.0.0/16"]
            try await world.withInstance(daemonOptions: options) { second in
                let other = try second.client()
                let machine = try await other.createMachine(configuration, waitForBoot: true)
                #expect(try await other.metadata(of: machine).ip.hasPrefix("10.77."))
                #expect(
                    try await other.sh(machine, "timeout 10 wget -qO- http://\(TestWorld.server)/").hasPrefix("hello")
                )
                let address = try await client.metadata(of: first).ip
                #expect(
                    try await other.sh(machine, "ping -c1 -W2 \(address) >/dev/null && echo yes || echo no") == "no"
                )
                try await other.deleteMachine(machine)
            }
            // What the others have removed was theirs.
            #expect(try await client.sh(first, "timeout 10 wget -qO- http://\(TestWorld.server)/").hasPrefix("hello"))
            try await client.deleteMachine(first)
        }

        @Test func `a daemon that is not root says what private networks need`() async throws {
            try await world.withInstance(daemonOptions: [], user: 65_534) { instance in
                let refused = try await instance.vers(
                    ["run", "--rootfs", "tiny", "--mem-size", "128", "--network", "bridge"]
                )
                #expect(refused.status == ErrorCode.unsupported.exitStatus)
                #expect(refused.stderr.contains("runs as user 65534"))
                #expect(refused.stderr.contains("hint: start versd as root"))
                #expect(try await instance.client().machines().isEmpty)
            }
        }
    }
}
