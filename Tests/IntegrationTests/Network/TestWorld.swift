import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI

/// A host and a world outside it, as two network namespaces that only the test knows. An instance's programs run in the
/// host; this machine's own network stays as it is.
///
/// Outside are a web server at every address, a name server that knows `example.com`, and what clouds have at
/// 169.254.169.254. The host has a web server of its own.
struct TestWorld: Sendable {
    @TaskLocal static var shared: TestWorld?

    static let gateway = "192.0.2.1"
    static let hostAddress = "192.0.2.2"
    /// The address of `example.com`.
    static let server = "192.0.2.10"
    static let otherServer = "192.0.2.11"
    static let resolver = "192.0.2.53"
    static let metadata = "169.254.169.254"

    let host: String
    private let outside: String
    private let programs: [RunningProgram]

    /// Whether namespaces can be made, and the tools are there.
    static var isPossible: Bool {
        let tools = ["/usr/sbin/nft", "/usr/sbin/dnsmasq", "/usr/bin/python3", "/dev/net/tun"]
        return TestEnvironment.isRoot && tools.allSatisfy { access($0, F_OK) == 0 }
            && (try? blocking("/usr/bin/unshare", ["--net", "true"])) == 0
    }

    var hostNamespace: FilePath { Self.namespace(host) }
    var outsideNamespace: FilePath { Self.namespace(outside) }

    static func run(_ body: (TestWorld) async throws -> Void) async throws {
        let suffix = String(UInt32.random(in: .min ... .max), radix: 36)
        let (host, outside) = ("vers-it-host-\(suffix)", "vers-it-world-\(suffix)")
        do {
            let world = try await make(host: host, outside: outside)
            do {
                try await body(world)
            } catch {
                world.stop()
                throw error
            }
            world.stop()
        } catch {
            remove([host, outside])
            throw error
        }
        remove([host, outside])
    }

    /// Runs a program in the host.
    func onHost(_ arguments: String...) async throws -> ProgramResult { try await onHost(arguments) }

    private func onHost(_ arguments: [String]) async throws -> ProgramResult {
        try await Self.tool("/usr/bin/nsenter", ["--net=\(hostNamespace)"] + arguments)
    }

    /// Runs `body` with an instance on the host, of which nothing is left on it afterwards.
    func withInstance(
        daemonOptions: [String] = ["--guest-dns", resolver],
        user: UInt32? = nil,
        _ body: (Instance) async throws -> Void
    ) async throws {
        var home: FilePath?
        try await Instance.run(namespace: hostNamespace, daemonOptions: daemonOptions, user: user) { instance in
            home = instance.home
            try await body(instance)
        }
        if let home { #expect(try await leftovers(of: home) == []) }
    }

    /// The namespaces of an instance's VMs, and of processes that wait to be one.
    static func namespaces(of home: FilePath) -> [String] {
        namespaces(tagged: tag(of: home)).filter { $0.contains("-vm-") }
    }

    /// What an instance has left on the host: its namespaces, interfaces, rules and name servers. What a process has that
    /// waits to be a VM is not left.
    func leftovers(of home: FilePath) async throws -> [String] {
        let tag = Self.tag(of: home)
        let waiting = Set(Leftovers.names(in: home.appending("standby")))
        let namespaces = Self.namespaces(tagged: tag).filter { !waiting.contains(String($0.suffix(36))) }
        let links = try await onHost("/usr/sbin/ip", "-oneline", "link", "show").lines
        let rules = try await onHost("/usr/sbin/nft", "list", "tables").lines
        let directories = Leftovers.names(in: "/run/vers")
        return namespaces + (links + rules + directories).filter { $0.contains(tag) }
    }

    /// What the names of all that an instance makes on a host contain: other instances may be on this machine.
    /// Runs `ip` in the namespace of a tree of an instance.
    func inTree(_ tree: MachineID, of home: FilePath, ip words: String) async throws {
        let namespace = "vers-\(Self.tag(of: home))-tree-\(tree)"
        let result = try await onHost(["/usr/sbin/ip", "-n", namespace] + words.split(separator: " ").map(String.init))
        guard result.status == 0 else { throw TestFailure("ip \(words): \(result.stderr)") }
    }

    private static func tag(of home: FilePath) -> String {
        String(String(StableHash.of(home.string), radix: 16).suffix(6))
    }

    private static func namespaces(tagged tag: String) -> [String] {
        Leftovers.names(in: "/run/netns").filter { $0.hasPrefix("vers-\(tag)-") }
    }

    private static func make(host: String, outside: String) async throws -> TestWorld {
        let lines = [
            "netns add \(host)", "netns add \(outside)", "-n \(host) link set lo up", "-n \(outside) link set lo up",
            "-n \(host) link add eth0 type veth peer name eth0 netns \(outside)",
            "-n \(host) address add \(hostAddress)/24 dev eth0", "-n \(host) link set eth0 up",
            "-n \(host) route add default via \(gateway)", "-n \(outside) link set eth0 up",
            "-n \(outside) address add \(metadata)/32 dev eth0",
        ]
        let addresses = [gateway, server, otherServer, resolver].map { "-n \(outside) address add \($0)/24 dev eth0" }
        for line in lines + addresses {
            let result = try await tool("/usr/sbin/ip", line.split(separator: " ").map(String.init))
            try #require(result.status == 0, "ip \(line): \(result)")
        }
        let forwarding = try await tool(
            "/usr/bin/nsenter",
            ["--net=\(namespace(host))", "/usr/sbin/sysctl", "-qw", "net.ipv4.ip_forward=1"]
        )
        try #require(forwarding.status == 0, "\(forwarding)")
        var programs: [RunningProgram] = []
        for (name, arguments) in [(outside, ["dns"]), (host, [])] {
            let program = try RunningProgram(
                "/usr/bin/nsenter",
                ["--net=\(namespace(name))", "/usr/bin/python3", "-c", services] + arguments,
                environment: ["PATH": "/usr/bin:/bin"],
                directory: "/tmp"
            )
            programs.append(program)
            try await eventually("the servers of \(name)") { program.stdout.hasPrefix("ready") }
        }
        return TestWorld(host: host, outside: outside, programs: programs)
    }

    private static func namespace(_ name: String) -> FilePath { FilePath("/run/netns").appending(name) }

    private func stop() {
        for program in programs {
            program.signal(SIGKILL)
            program.forget()
        }
    }

    private static func remove(_ names: [String]) {
        for name in names { _ = try? blocking("/usr/sbin/ip", ["netns", "delete", name]) }
    }

    private static func tool(_ path: FilePath, _ arguments: [String]) async throws -> ProgramResult {
        let program = try RunningProgram(path, arguments, environment: ["PATH": "/usr/bin:/bin"], directory: "/tmp")
        defer { program.forget() }
        return try await program.result(within: .seconds(30))
    }

    private static func blocking(_ path: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Answers with the address that it was asked at. `/slow` begins an answer and does not end it.
    private static let services = """
        import http.server, socket, sys, threading, time
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"hello from " + self.connection.getsockname()[0].encode())
                self.wfile.flush()
                while self.path == "/slow":
                    time.sleep(0.1)
                    self.wfile.write(b".")
                    self.wfile.flush()
            def log_message(self, *arguments): pass
        def names():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(("\(resolver)", 53))
            while True:
                question, client = server.recvfrom(512)
                known = b"\\x07example\\x03com\\x00\\x00\\x01" in question
                if b"\\x07example\\x03com\\x00\\x00\\x1c" in question:
                    end = question.index(b"\\x00", 12) + 5
                    answer = b"\\xc0\\x0c\\x00\\x1c\\x00\\x01\\x00\\x00\\x00\\x1e\\x00\\x10" + b"\\x20\\x01" + b"\\x01" * 14
                    head = question[:2] + b"\\x81\\x80\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x00"
                    server.sendto(head + question[12:end] + answer, client)
                    continue
                end = question.index(b"\\x00", 12) + 5
                head = question[:2] + (b"\\x81\\x80" if known else b"\\x81\\x83") + b"\\x00\\x01\\x00" + bytes([known])
                answer = b"\\xc0\\x0c\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x1e\\x00\\x04" + socket.inet_aton("\(server)")
                server.sendto(head + b"\\x00" * 4 + question[12:end] + (answer if known else b""), client)
        server = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Handler)
        if "dns" in sys.argv: threading.Thread(target=names, daemon=True).start()
        print("ready", flush=True)
        server.serve_forever()
        """
}

/// Gives a suite a world and an instance on its host.
struct PrivateNetworkTrait: SuiteTrait, TestScoping {
    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { test.isSuite ? self : nil }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await TestWorld.run { world in
            try await world.withInstance { instance in
                try await Instance.$shared.withValue(instance) {
                    try await TestWorld.$shared.withValue(world) { try await function() }
                }
            }
        }
    }
}

extension Trait where Self == PrivateNetworkTrait {
    static var privateNetworks: Self { PrivateNetworkTrait() }
}

extension Trait where Self == ConditionTrait {
    static var needsNamespaces: Self {
        .enabled(if: TestWorld.isPossible, "network namespaces need root, nft, dnsmasq and python3")
    }
}
