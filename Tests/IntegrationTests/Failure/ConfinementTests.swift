import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What a guest that has taken over its QEMU finds on the host of a daemon that runs as root.
    @Suite(
        .needs(image: "tiny"),
        .enabled(if: TestEnvironment.isRoot, "users of their own need root"),
        .instance(),
        .serialized
    )
    struct Confinement {
        private let instance: Instance
        private let client: VersClient

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        /// The process of a VM, as the kernel tells of it.
        private struct Status {
            let pid: Int32
            private let fields: [String: String]
            let groups: String

            init(pid: Int32) throws {
                self.pid = pid
                let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
                fields = text.split(separator: "\n").reduce(into: [:]) { fields, line in
                    let parts = line.split(separator: ":", maxSplits: 1)
                    if parts.count == 2 { fields[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces) }
                }
                groups = try String(contentsOfFile: "/proc/\(pid)/cgroup", encoding: .utf8)
            }

            func numbers(_ name: String) -> [UInt64] {
                (fields[name] ?? "").split { $0 == "\t" || $0 == " " }.compactMap { UInt64($0) }
            }

            func mask(_ name: String) -> UInt64? { fields[name].flatMap { UInt64($0, radix: 16) } }

            var user: UInt64 { numbers("Uid").first ?? 0 }
        }

        private func status(of machine: MachineID) throws -> Status {
            try Status(pid: instance.hypervisorPID(of: machine.text))
        }

        /// VMs' groups, wherever they are mounted.
        private func controlGroups(of machine: MachineID) throws -> [FilePath] {
            let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).split(separator: "\n")
            let roots = mounts.map { $0.split(separator: " ") }.filter { $0[2].hasPrefix("cgroup") }
            return roots.flatMap { mount -> [FilePath] in
                let files = FileManager.default.enumerator(atPath: String(mount[1]))?.compactMap { $0 as? String } ?? []
                return files.filter { FilePath($0).lastComponent?.string.contains(machine.text) == true }
                    .map { FilePath(String(mount[1])).pushing(FilePath($0)) }
            }
        }

        /// Runs a program as a VM's process would.
        private func run(as machine: Status, _ script: String, _ arguments: [String]) async throws -> [String] {
            let groups = machine.numbers("Groups").map(String.init).joined(separator: ",")
            let program = try RunningProgram(
                "/usr/bin/setpriv",
                ["--reuid=\(machine.user)", "--regid=\(machine.user)", "--groups=\(groups)", "--"]
                    + ["/usr/bin/python3", "-c", script] + arguments,
                environment: ["PATH": "/usr/bin:/bin"],
                directory: "/"
            )
            defer { program.forget() }
            let result = try await program.result(within: .seconds(30))
            try #require(result.status == 0, "\(result)")
            return result.lines
        }

        /// Which of these files a VM's process can open.
        private func opened(_ paths: [FilePath], as machine: Status, mode: String = "rb") async throws -> [String] {
            let script = """
                import sys
                for path in sys.argv[2:]:
                    try:
                        open(path, sys.argv[1]).close()
                        print(path)
                    except OSError: pass
                """
            return try await run(as: machine, script, [mode] + paths.map(\.string))
        }

        /// Everything below a directory.
        private func files(below directory: FilePath) -> [FilePath] {
            (FileManager.default.enumerator(atPath: directory.string)?.compactMap { $0 as? String } ?? [])
                .map { directory.pushing(FilePath($0)) }
        }

        private func directory(of machine: MachineID) -> FilePath { instance.home.appending("vms/\(machine)") }

        @Test func `a VM's process is a user of its own without privileges, in a group with limits`() async throws {
            let root = try await client.newTiny()
            let child = try await client.branch(root)[0]
            let other = try await client.newTiny()
            var users: Set<UInt64> = []
            for machine in [root, child, other] {
                let status = try status(of: machine)
                users.insert(status.user)
                for name in ["Uid", "Gid"] { #expect(Set(status.numbers(name)) == [status.user], "\(name)") }
                #expect(!status.numbers("Groups").contains(0))
                for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(status.mask(name) == 0) }
                #expect(status.numbers("NoNewPrivs") == [1])
                #expect(status.groups.contains("\(machine)"), "\(status.groups)")
            }
            #expect(users.count == 3 && !users.contains(0))
            let groups = try controlGroups(of: root)
            let limits = groups.flatMap { [$0.appending("memory.max"), $0.appending("memory.limit_in_bytes")] }
                .compactMap { try? String(contentsOfFile: $0.string, encoding: .utf8) }
            if !limits.isEmpty { #expect(limits == ["\((2 * 128 + 512) << 20)\n"]) }
            for machine in [child, root, other] { try await client.deleteMachine(machine) }
            for machine in [root, child, other] { #expect(try controlGroups(of: machine).isEmpty) }
        }

        @Test func `a VM's process opens its own files and layers for reading, and nothing else of the instance`()
            async throws
        {
            let first = try await client.newTiny()
            let second = try await client.newTiny()
            let commit = try await client.commit(second)
            let status = try status(of: first)
            let own = directory(of: first).appending("disk-1.qcow2")
            #expect(try await opened([own], as: status, mode: "r+b") == [own.string])
            let foreign = files(below: directory(of: second)) + files(below: instance.home.appending("standby"))
            #expect(foreign.contains { $0.lastComponent == "ram" })
            #expect(try await opened(foreign, as: status) == [])
            let secrets = ["owner.key", "vers.sqlite", "vers.sqlite-wal", "versd.sock", "lock", "daemon.json", "ca"]
            #expect(try await opened(secrets.map { instance.home.appending($0) }, as: status) == [])
            // What all VMs may read, nobody may write.
            let layers = files(below: instance.home.appending("commits/\(commit)"))
            #expect(layers.count >= 3)
            #expect(try await opened(layers, as: status, mode: "r+b") == [])
            #expect(try await opened([instance.home.appending("commits")], as: status) == [])

            let attacks = """
                import os, signal, socket, sys
                def attempt(name, action):
                    try:
                        action()
                        print(name)
                    except OSError: pass
                directory, pid = sys.argv[1], int(sys.argv[2])
                for name in ["qmp.sock", "agent.sock", "run/ram.sock"]:
                    attempt(name, lambda: socket.socket(socket.AF_UNIX).connect(directory + "/" + name))
                attempt("signal", lambda: os.kill(pid, signal.SIGCONT))
                attempt("memory", lambda: open("/proc/%d/mem" % pid, "rb"))
                attempt("descriptors", lambda: os.listdir("/proc/%d/fd" % pid))
                attempt("list", lambda: os.listdir(directory))
                attempt("make", lambda: open(sys.argv[3] + "/qemu.log.1", "x"))
                attempt("replace", lambda: os.rename(sys.argv[3] + "/qmp.sock", sys.argv[3] + "/run/qmp.sock"))
                """
            let victim = try self.status(of: second)
            let done = try await run(
                as: status,
                attacks,
                ["\(directory(of: second))", "\(victim.pid)", "\(directory(of: first))"]
            )
            #expect(done == [])
            try await client.deleteCommit(commit)
            for machine in [first, second] { try await client.deleteMachine(machine) }
        }

        @Test func `links that a VM's process has put in its directory lead the daemon nowhere`() async throws {
            let machine = try await client.newTiny()
            let status = try status(of: machine)
            let own = directory(of: machine).appending("run")
            let script = """
                import os, sys
                own, secret, socket = sys.argv[1:]
                for name, target in [("console.log", secret), ("ram.sock", socket)]:
                    os.rename(own + "/" + name, own + "/" + name + ".old")
                    os.symlink(target, own + "/" + name)
                """
            let socket = directory(of: machine).appending("qmp.sock")
            _ = try await run(as: status, script, [own.string, "\(instance.home)/owner.key", socket.string])
            let logs = try await instance.ok("logs \(machine)")
            #expect(!logs.stdout.contains(try instance.key))
            let error = try await client.refusal { _ = try await $0.branch(machine) }
            #expect(error.code == .internal || error.code == .unavailable, "\(error)")
            try await client.deleteMachine(machine)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func `a confined VM goes through all that VMs go through`(signal: Int32) async throws {
            let machine = try await client.newTiny()
            try await client.sh(machine, "echo kept >/root/kept; sync")
            let user = try status(of: machine).user
            try await instance.endDaemon(signal)
            try await instance.startDaemon()
            let client = try instance.client()
            let child = try await client.branch(machine)[0]
            #expect(try status(of: child).user != user)
            for state in [RequestedState.sleeping, .running, .stopped, .running] {
                try await client.setState(of: machine, to: state)
            }
            // Its files are its user's, and stay so.
            #expect(try status(of: machine).user == user)
            let commit = try await client.commit(machine)
            let restored = try await client.createMachine(from: .id(commit))
            for other in [machine, child, restored] {
                #expect(try await client.sh(other, "cat /root/kept") == "kept")
                #expect(try status(of: other).mask("CapEff") == 0)
            }
            // A disk of a stopped VM becomes a layer, and grows.
            try await client.setState(of: machine, to: .stopped)
            let stopped = try await client.branch(machine)[0]
            #expect(try await client.sh(stopped, "cat /root/kept") == "kept")
            try await client.resizeDisk(of: machine, toMiB: 2048)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            for other in [stopped, restored, child, machine] {
                try await client.deleteMachine(other, recursive: true)
                #expect(try controlGroups(of: other).isEmpty)
            }
        }

        /// As `chown -R` does, and a backup that was restored without its owners.
        private func giveAway(to user: UInt32) async throws {
            // Not the images, which other instances have links to.
            let directories = ["vms", "commits"].map { instance.home.appending($0).string }
            try #require(chown(instance.home.string, user, user) == 0)
            let program = try RunningProgram(
                "/usr/bin/chown",
                ["--recursive", "--no-dereference", "\(user):\(user)"] + directories,
                environment: [:],
                directory: "/"
            )
            defer { program.forget() }
            try #require(try await program.result(within: .seconds(30)).status == 0)
        }

        @Test(arguments: [(UInt32(0), false), (0, true), (4242, false), (4242, true)])
        func `a VM whose files were given to somebody else gets them back`(other: UInt32, restarts: Bool) async throws {
            var client = try instance.client()
            let running = try await client.newTiny()
            let stopped = try await client.newTiny()
            for machine in [running, stopped] { try await client.sh(machine, "echo kept >/root/kept; sync") }
            try await client.setState(of: stopped, to: .stopped)
            let user = try status(of: running).user
            if restarts { try await instance.endDaemon() }
            try await giveAway(to: other)
            if restarts {
                try await instance.startDaemon()
                client = try instance.client()
            }
            try await client.setState(of: stopped, to: .running)
            let child = try await client.branch(running)[0]
            #expect(try await client.sh(child, "cat /root/kept") == "kept")
            let own = directory(of: running)
            for name in ["run", "run/console.log", "ram"] {
                var status = stat()
                try #require(lstat(own.pushing(FilePath(name)).string, &status) == 0)
                #expect(UInt64(status.st_uid) == user, "\(name)")
            }
            for state in [RequestedState.sleeping, .running, .stopped, .running] {
                try await client.setState(of: running, to: state)
            }
            for machine in [running, stopped] {
                #expect(try await client.sh(machine, "cat /root/kept") == "kept")
                #expect(try status(of: machine).mask("CapEff") == 0)
                #expect(try !Data(contentsOf: URL(filePath: "\(directory(of: machine))/run/console.log")).isEmpty)
            }
            let users = try [running, stopped, child].map { try status(of: $0).user }
            #expect(Set(users).count == 3 && users[0] == user && !users.contains(UInt64(other)))
            for machine in [child, stopped, running] { try await client.deleteMachine(machine) }
        }

        @Test func `frozen copies are confined as their VM, and do not outlive one that is killed`() async throws {
            // Where the kernel tells what was written, copies are rare and short-lived.
            try await Instance.run(daemonOptions: ["--memory", "forks"]) { instance in
                let client = try instance.client()
                let machine = try await client.newTiny()
                let child = try await client.branch(machine)[0]
                let parent = try Status(pid: instance.hypervisorPID(of: machine.text))
                // The one that the next branch starts from.
                let copies = try ProcessTable.processes().filter { ProcessTable.parent(of: $0) == parent.pid }
                    .map(Status.init)
                #expect(!copies.isEmpty)
                for copy in copies {
                    #expect(copy.user == parent.user && copy.mask("CapEff") == 0)
                    #expect(copy.groups == parent.groups)
                }
                kill(parent.pid, SIGKILL)
                try await client.waitUntil(machine, is: .dead)
                try await eventually("its group to be gone") { try controlGroups(of: machine).isEmpty }
                try await client.setState(of: machine, to: .running)
                let status = try Status(pid: instance.hypervisorPID(of: machine.text))
                #expect(status.groups.contains("\(machine)"))
                for other in [child, machine] { try await client.deleteMachine(other) }
            }
        }
    }
}
