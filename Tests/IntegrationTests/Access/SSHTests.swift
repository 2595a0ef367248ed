import Foundation
import FoundationNetworking
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// SSH and tunnels into an image that has no SSH server of its own.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct SSH {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        private func machine() async throws -> MachineID {
            if let machine = try await client.machines().first { return machine.vm_id }
            return try await client.newTiny()
        }

        /// Runs a program of OpenSSH with what `vers ssh-config` prints.
        private func run(_ program: String, _ arguments: String..., machines: [MachineID]) async throws -> ProgramResult
        {
            let text = try await instance.vers(["ssh-config"] + machines.map(\.text)).stdout
            try text.write(toFile: instance.work.appending("ssh.config").string, atomically: true, encoding: .utf8)
            let running = try RunningProgram(
                FilePath("/usr/bin/\(program)"),
                ["-F", "ssh.config"] + arguments,
                environment: instance.environment,
                directory: instance.work
            )
            defer { running.forget() }
            return try await running.result(within: .seconds(60))
        }

        @Test func `commands run by SSH with the organisation's variables`() async throws {
            try await client.setEnvironmentVariables(["QUOTED": "it's\n$HOME"], replace: true)
            let id = try await client.newTiny().text
            let result = try await instance.vers(
                ["execute", "--ssh", "-w", "/tmp", "-e", "B=2 3", id, "echo \"$QUOTED|$B|$PWD\"; echo err >&2; exit 7"]
            )
            #expect(result.status == 7)
            #expect(result.stdout == "it's\n$HOME|2 3|/tmp\n" && result.stderr == "err\n")
            let input = try await instance.vers(["execute", "--ssh", "-i", id, "--", "cat"], stdin: "through")
            #expect(input.stdout == "through")
            try await client.setEnvironmentVariables([:], replace: true)
        }

        @Test func `OpenSSH's clients do with dropbear what they do with OpenSSH's server`() async throws {
            let clients = try await OpenSSHClients(instance, image: "tiny", named: "box")
            try await clients.runsCommandsAndTerminals()
            try await clients.copiesFiles()
            try await clients.sharesConnections()
            try await clients.forwardsPorts()
            try await clients.forwardsTheAgentOnDemand()
        }

        @Test func `a shell ends at once with the daemon, and connect comes back`() async throws {
            let clients = try await OpenSSHClients(instance, image: "tiny", named: "shell")
            let keys = Pipe()
            let connect = "\(TestEnvironment.binaries.appending("vers")) connect \(clients.name)"
            let shell = try clients.start("script", ["-qfec", connect, "/dev/null"], stdin: keys.fileHandleForReading)
            defer { shell.forget() }
            func type(_ line: String) throws { try keys.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }
            try type("echo one-$((1+1))")
            try await eventually("the shell") { shell.stdout.contains("one-2") }
            // Far from the 20 s that a client's idle connections stay.
            try await instance.endDaemon(within: .seconds(8))
            try await eventually("the shell to be lost") { shell.stdout.contains("connecting again") }
            try await instance.startDaemon()
            try type("echo two-$((2+2))")
            try await eventually("another shell") { shell.stdout.contains("two-4") }
            try type("exit 3")
            #expect(try await shell.result(within: .seconds(30)).status == 3)
        }

        @Test func `a child takes its own key and no longer its parent's, and shows its own`() async throws {
            let parent = try await machine()
            let child = try #require(try await client.branch(parent).first)
            #expect(try await run("ssh", child.text, "echo in", machines: [parent, child]).stdout == "in\n")
            let text = try #require(instance.readFile("ssh.config")).replacing("\(child).key", with: "\(parent).key")
            try instance.writeFile(text, to: "foreign.config")
            let refused = try await plainSSH("-F", "foreign.config", "-o", "BatchMode=yes", child.text, "echo in")
            #expect(refused.status == 255 && refused.stderr.contains("Permission denied"))
            let other = try #require(instance.readFile("ssh.config"))
                .replacing("\(child).known_hosts", with: "\(parent).known_hosts")
                .replacing("HostKeyAlias \(child)", with: "HostKeyAlias \(parent)")
            try instance.writeFile(other, to: "foreign.config")
            let unknown = try await plainSSH("-F", "foreign.config", "-o", "BatchMode=yes", child.text, "echo in")
            #expect(unknown.status == 255 && unknown.stderr.contains("Host key verification failed"))
            try await client.deleteMachine(child)
        }

        private func plainSSH(_ arguments: String...) async throws -> ProgramResult {
            let running = try RunningProgram(
                "/usr/bin/ssh",
                arguments,
                environment: instance.environment,
                directory: instance.work
            )
            defer { running.forget() }
            return try await running.result(within: .seconds(60))
        }

        @Test func `OpenSSH gets in through 'openssl s_client', too`() async throws {
            let id = try await machine()
            #expect(try await instance.vers(["ssh-config", id.text]).status == 0)
            let door = try await client.frontDoor()
            let name = "\(id).vm.\(door.domain)"
            let port = try #require(door.port)
            let result = try await plainSSH(
                "-F",
                "none",
                "-i",
                "\(instance.root)/user/.cache/vers/ssh/\(id).key",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
                "-o",
                "ProxyCommand=openssl s_client -quiet -servername %h -connect 127.0.0.1:\(port) 2>/dev/null",
                "root@\(name)",
                "echo in"
            )
            #expect(result.stdout == "in\n" && result.status == 0, "\(result)")
        }

        @Test func `a tunnel survives a pause and a restart of the daemon`() async throws {
            let id = try await machine()
            try await client.sh(id, "mkdir -p /www; echo page >/www/index.html; httpd -p 127.0.0.1:8080 -h /www")
            let tunnel = try instance.startVers(["tunnel", id.text, "0:8080", "0:127.0.0.1:8080"])
            defer { tunnel.forget() }
            try await eventually("the tunnel to listen") { tunnel.stdout.split(separator: "\n").count == 2 }
            let ports = tunnel.stdout.matches(of: /127\.0\.0\.1:([0-9]+) ->/).compactMap { Int($0.1) }
            for port in ports { #expect(try await page(at: port) == "page\n") }
            try await client.setState(of: id, to: .paused)
            async let waiting = page(at: ports[0])
            try await client.setState(of: id, to: .running)
            #expect(try await waiting == "page\n")
            try await instance.restartDaemon()
            #expect(try await page(at: ports[0]) == "page\n")
            tunnel.signal(SIGINT)
            #expect(try await tunnel.result(within: .seconds(20)).status == 130)
        }

        private func page(at port: Int) async throws -> String {
            let session = URLSession(configuration: .ephemeral)
            defer { session.invalidateAndCancel() }
            let url = try #require(URL(string: "http://127.0.0.1:\(port)/"))
            return String(decoding: try await session.data(from: url).0, as: UTF8.self)
        }

        @Test func `a port of the VM leads here`() async throws {
            let id = try await machine()
            let door = try await client.frontDoor()
            let tunnel = try instance.startVers(["tunnel", "-R", id.text, "9000:127.0.0.1:\(try #require(door.port))"])
            defer { tunnel.forget() }
            // The door answers plain HTTP with a line that says so.
            try await eventually("the VM to listen") {
                try await client.sh(id, "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 9000 2>/dev/null || true")
                    .hasPrefix("HTTP/1.")
            }
            tunnel.signal(SIGINT)
            #expect(try await tunnel.result(within: .seconds(20)).status == 130)
        }
    }

    /// The same with OpenSSH's own server in the guest.
    @Suite(.needs(image: "default"), .instance(images: ["default"]), .serialized) struct DebianSSH {
        @Test func `Debian's sshd serves commands, copies and children`() async throws {
            let instance = try Instance.current
            let client = try instance.client()
            let id = try await client.createMachine(MachineConfiguration(), waitForBoot: true)
            let result = try await instance.vers(["execute", "--ssh", id.text, "readlink /proc/$PPID/exe; id -un"])
            #expect(result.stdout == "/usr/sbin/sshd\nroot\n")
            let child = try #require(try await client.branch(id).first)
            #expect(
                try await instance.vers(["execute", "--ssh", child.text, "hostname"]).stdout.hasPrefix(
                    "vm-\(child.text.prefix(8))"
                )
            )
            try await instance.ok("copy -r \(child):/etc/ssh/. conf")
            #expect(Leftovers.names(in: instance.work.appending("conf")).contains("sshd_config"))
        }

        @Test func `OpenSSH's clients, rsync and editors find everything they need`() async throws {
            let clients = try await OpenSSHClients(try Instance.current, image: "default", named: "box")
            try await clients.runsCommandsAndTerminals()
            try await clients.copiesFiles()
            try await clients.sharesConnections()
            try await clients.forwardsPorts()
            try await clients.forwardsTheAgentOnDemand()
            try await clients.forwardsSockets()
            try await clients.synchronises()
        }
    }
}
