import Foundation
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// The default image: Debian with systemd.
    @Suite(.needs(image: "default"), .instance(images: ["default"]), .serialized) struct Debian {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `a root VM of default sizes boots, and what people expect is there`() async throws {
            let id = try await instance.ok("run -N debian -q").text
            let machine = try #require(MachineID(id))
            let info = try await client.metadata(of: machine)
            #expect(info.mem_size_mib == 512)
            #expect(info.vcpu_count == 1)
            #expect(info.fs_size_mib >= 1024)
            #expect(try await client.sh(machine, "systemctl is-system-running --wait || true") == "running")
            for program in ["bash", "ps", "ip", "curl", "python3", "vi", "sshd"] {
                try await client.sh(machine, "PATH=$PATH:/usr/sbin command -v \(program)")
            }
            #expect(try await client.sh(machine, "cat /etc/os-release").contains("VERSION_ID=\"12\""))
        }

        @Test func `an agent that dies comes back beside systemd, which takes no notice`() async throws {
            let machine = try await client.createMachine(MachineConfiguration(), waitForBoot: true)
            await #expect(throws: VersError.self) { try await client.sh(machine, "kill -9 $PPID; sleep 100") }
            #expect(try await client.sh(machine, "systemctl is-system-running --wait || true") == "running")
            // Commands belong to no unit of systemd.
            #expect(try await client.sh(machine, "cat /proc/self/cgroup") == "0::/")
            try await client.setState(of: machine, to: .stopped)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "echo up") == "up")
            try await client.deleteMachine(machine)
        }

        @Test func `a program in memory goes on in the children, with keys of their own`() async throws {
            let parent = try await client.createMachine(MachineConfiguration(), waitForBoot: true)
            try await client.startCounter(parent)
            let fingerprint = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2"
            let before = try await client.counter(parent)
            let children = try await client.branch(parent, count: 2)
            var fingerprints: Set<String> = []
            var authorized: Set<String> = []
            for machine in [parent] + children {
                #expect(try await client.counter(machine) >= before)
                fingerprints.insert(try await client.sh(machine, fingerprint))
                authorized.insert(try await client.sh(machine, "cat /root/.ssh/authorized_keys"))
                // The server in memory presents the key that is on the disk now. Emulated, it takes seconds to start.
                let scan = "ssh-keyscan -T 60 -t ed25519 127.0.0.1 2>/dev/null"
                let presented = "\(scan) | ssh-keygen -lf - | cut -d ' ' -f 2"
                #expect(try await client.sh(machine, presented) == client.sh(machine, fingerprint))
            }
            #expect(fingerprints.count == 3)
            #expect(authorized.count == 3)
            try await client.deleteMachine(parent, recursive: true)
        }

        /// A process that waits has run `true` in a rehearsal; its code in memory is another's by now.
        @Test func `a child runs the code that its parent has, not what was translated of an older one`() async throws {
            let parent = try await client.createMachine(MachineConfiguration(), waitForBoot: true)
            try await client.sh(parent, "dd if=/usr/bin/false of=/usr/bin/true conv=notrunc status=none")
            if try await client.metadata(of: parent).accelerator == "tcg" {
                try await eventually("a rehearsal") { instance.log.contains("standby has rehearsed") }
            }
            for _ in 1...3 {
                let child = try #require(try await client.branch(parent, count: 1).first)
                for machine in [parent, child] {
                    let result = try await client.execute(ExecRequest(command: ["true"]), in: machine)
                    #expect(result.exit_code == 1)
                }
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `variables reach SSH sessions, whatever is in them`() async throws {
            let variables = [
                "PLAIN": "two  words", "HASH": "a #b", "QUOTE": "a\"b", "DOLLAR": "$HOME\\",
                "LONG": String(repeating: "x", count: 8192), "LAST": "z",
            ]
            try await client.setEnvironmentVariables(variables, replace: true)
            let machine = try await client.createMachine(MachineConfiguration(), waitForBoot: true)
            let lines = try await sshEnvironment(of: machine)
            for (key, value) in variables { #expect(lines.contains("\(key)=\(value)"), "\(key)") }
            try await client.setEnvironmentVariables([:], replace: true)
            let child = try await client.branch(machine)[0]
            let names = Set(try await sshEnvironment(of: child).map { String($0.prefix { $0 != "=" }) })
            #expect(names.contains("PATH") && names.isDisjoint(with: variables.keys))
            try await client.deleteMachine(machine, recursive: true)
        }

        /// The lines of `env` in a session that a guest's own SSH server starts.
        private func sshEnvironment(of machine: MachineID) async throws -> [String] {
            let key = try await client.sshKey(of: machine).ssh_private_key
            try await client.writeFile(Array(key.utf8), to: "/tmp/key", in: machine, mode: 0o600)
            let options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
            let ssh = "ssh -i /tmp/key \(options.map { "-o \($0)" }.joined(separator: " ")) root@127.0.0.1"
            return try await client.sh(machine, "\(ssh) env").components(separatedBy: "\n")
        }

        @Test func `a stopped Debian starts again`() async throws {
            let machine = try await client.createMachine(MachineConfiguration(), waitForBoot: true)
            try await client.sh(machine, "echo kept >/root/kept")
            try await client.setState(of: machine, to: .stopped)
            try await instance.checkDisk(of: machine)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            try await client.deleteMachine(machine)
        }
    }
}
