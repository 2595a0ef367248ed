import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct DiskAndNetwork {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `a disk grows while the VM runs, for its children too, and never shrinks`() async throws {
            let machine = try await client.newTiny()
            try await client.sh(machine, "echo kept >/root/kept")
            let before = try await sizeMiB(machine)
            try await instance.ok("resize \(machine) --size 3000")
            let after = try await sizeMiB(machine)
            #expect(before < 1100)
            #expect(after > 2600)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            let child = try await client.branch(machine)[0]
            #expect(try await sizeMiB(child) == after)
            #expect(try await client.machine(child).fs_size_mib == 3000)
            for size in [3000, 2000, 0, -1] {
                let result = try await instance.vers(["resize", machine.text, "--size", "\(size)"])
                #expect(result.status == 5, "\(result)")
                #expect(result.stderr.contains("\(size)"))
            }
            #expect(try await client.machine(machine).fs_size_mib == 3000)
            try await client.setState(of: machine, to: .stopped)
            try await client.resizeDisk(of: machine, toMiB: 4000)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            try await client.deleteMachine(machine, recursive: true)
        }

        private func sizeMiB(_ machine: MachineID) async throws -> Int {
            try #require(Int(try await client.sh(machine, "df -m / | tail -1 | awk '{print $2}'")))
        }

        @Test func `a guest reaches a server on the host, also after a branch`() async throws {
            let server = try await HostServer.start(in: instance)
            defer { server.stop() }
            let parent = try await client.newTiny()
            let fetch = "wget -qO- http://10.0.2.2:\(server.port)/greeting"
            #expect(try await client.sh(parent, fetch) == "hello from the host")
            let child = try await client.branch(parent)[0]
            for machine in [parent, child] {
                #expect(try await client.sh(machine, fetch) == "hello from the host")
                #expect(try await client.sh(machine, "cat /etc/resolv.conf").contains("nameserver"))
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `the child's connections to the outside fail at once, the parent's go on`() async throws {
            let server = try await HostServer.start(in: instance)
            defer { server.stop() }
            let parent = try await client.newTiny()
            try await client.sh(
                parent,
                """
                (wget -qO /tmp/slow http://10.0.2.2:\(server.port)/slow; echo $? >/tmp/slow-status) \
                    </dev/null >/dev/null 2>&1 &
                """
            )
            try await eventually("the connection") { server.log.contains("/slow") }
            let child = try await client.branch(parent)[0]
            try await eventually("the child's connection to fail", within: .seconds(30)) {
                try await client.sh(child, "cat /tmp/slow-status 2>/dev/null || true") != ""
            }
            #expect(try await client.sh(child, "cat /tmp/slow-status") != "0")
            #expect(try await client.sh(parent, "cat /tmp/slow-status 2>/dev/null || echo running") == "running")
            try "go".write(toFile: server.go, atomically: true, encoding: .utf8)
            try await eventually("the parent's download to end") {
                try await client.sh(parent, "cat /tmp/slow-status 2>/dev/null || true") == "0"
            }
            #expect(try await client.sh(parent, "cat /tmp/slow") == "slow answer")
            try await client.deleteMachine(parent, recursive: true)
        }
    }
}

/// A small HTTP server on the host's loopback, which guests reach at 10.0.2.2. `/slow` answers once a file is there.
private struct HostServer {
    let program: RunningProgram
    let port: Int
    let go: String

    private static let source = """
        import http.server, os, sys, time
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = b"hello from the host"
                if self.path == "/slow":
                    sys.stderr.write("/slow begun\\n"); sys.stderr.flush()
                    while not os.path.exists(sys.argv[1]): time.sleep(0.05)
                    text = b"slow answer"
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """

    static func start(in instance: Instance) async throws -> HostServer {
        let go = "/tmp/vers-it-go-\(UUID().uuidString)"
        // Not below the instance: it is no process of the instance's.
        let program = try RunningProgram(
            "/usr/bin/python3",
            ["-c", source, go],
            environment: ["PATH": "/usr/bin:/bin"],
            directory: "/tmp"
        )
        try await eventually("the server to listen") { program.stdout.hasSuffix("\n") }
        let port = try #require(Int(program.stdout.trimmingCharacters(in: .newlines)))
        return HostServer(program: program, port: port, go: go)
    }

    var log: String { program.stderr }

    func stop() {
        program.signal(SIGKILL)
        program.forget()
        try? FileManager.default.removeItem(atPath: go)
    }
}
