import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What must be true at the end, 5: a clear state, a clear error, never a wedge.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct MachineFailure {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `a VM whose QEMU is killed is dead at once, and only that one`() async throws {
            let victim = try await client.newTiny()
            let witness = try await client.newTiny()
            try await client.sh(victim, "echo kept >/root/kept; sync")
            let exec = try await client.stream(ExecRequest(command: ["sleep", "600"]), in: victim)
            kill(try instance.hypervisorPID(of: victim.text), SIGKILL)
            try await client.waitUntil(victim, is: .dead, within: .seconds(5))
            #expect(try await client.machine(victim).state_reason?.isEmpty == false)
            #expect(try await client.sh(witness, "echo alive") == "alive")
            // Whoever followed a command in it is told.
            await #expect(throws: VersError.self) {
                for try await event in exec {
                    if case .error(let code, let message) = event { throw VersError(code, message) }
                }
            }
            let refusal = try await client.refusal { _ = try await $0.sh(victim, "true") }
            #expect(refusal.code == .conflict)
            #expect(refusal.message.contains("dead"))
            try await client.setState(of: victim, to: .running)
            #expect(try await client.sh(victim, "cat /root/kept") == "kept")
            for machine in [victim, witness] { try await client.deleteMachine(machine) }
        }

        @Test func `a guest that powers off is stopped, and starts again`() async throws {
            let machine = try await client.newTiny()
            try await client.sh(machine, "echo kept >/root/kept; sync; (sleep 0.2; poweroff) >/dev/null 2>&1 &")
            try await client.waitUntil(machine, is: .stopped)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            try await client.deleteMachine(machine)
        }

        @Test func `a guest that reboots runs again`() async throws {
            let machine = try await client.newTiny()
            let before = try await client.sh(machine, "cat /proc/sys/kernel/random/boot_id")
            try await client.sh(machine, "(sleep 0.2; reboot) >/dev/null 2>&1 &")
            try await eventually("the guest to be another boot", within: .seconds(120)) {
                let request = ExecRequest(command: ["cat", "/proc/sys/kernel/random/boot_id"], timeout_secs: 10)
                // Refused while it goes down and comes up.
                guard let answer = try? await client.execute(request, in: machine) else { return false }
                return answer.exit_code == 0 && answer.stdout.trimmingCharacters(in: .newlines) != before
            }
            #expect(try await client.state(of: machine) == .running)
            try await client.deleteMachine(machine)
        }

        @Test func `a guest that panics is dead, and its console says why`() async throws {
            let machine = try await client.newTiny()
            try await client.sh(
                machine,
                "echo 1 >/proc/sys/kernel/sysrq; (sleep 0.2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &"
            )
            try await client.waitUntil(machine, is: .dead)
            #expect(try await client.machine(machine).state_reason?.contains("panic") == true)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "echo up") == "up")
            try await client.deleteMachine(machine)
        }

        @Test func `a VM whose QEMU hangs gives errors in time, and can be deleted`() async throws {
            let machine = try await client.newTiny()
            let pid = try instance.hypervisorPID(of: machine.text)
            kill(pid, SIGSTOP)
            let began = ContinuousClock.now
            let refusal = try await client.refusal { try await $0.setState(of: machine, to: .paused) }
            #expect([.timedOut, .unavailable].contains(refusal.code), "\(refusal)")
            // The hypervisor is given a minute to answer.
            #expect(ContinuousClock.now - began < .seconds(90))
            try await client.deleteMachine(machine)
            #expect(kill(pid, 0) != 0)
            #expect(try await client.machines().isEmpty)
        }

        @Test func `a file of a running VM that is missing is the server's fault, and named`() async throws {
            let machine = try await client.newTiny()
            let directory = instance.home.appending("vms/\(machine)")
            // Where it is depends on whether the daemon gives VMs users of their own.
            let places = ["run/ram.sock", "ram.sock"].map { directory.pushing(FilePath($0)) }
            let socket = try #require(places.first { FileManager.default.fileExists(atPath: $0.string) })
            let aside = FilePath("\(socket).aside")
            #expect(rename(socket.string, aside.string) == 0)
            let refusal = try await client.refusal { _ = try await $0.branch(machine) }
            #expect(refusal.code == .internal)
            #expect(refusal.message.contains("ram.sock"))
            #expect(refusal.hint != nil)
            // A daemon that finds it so gives up this VM, and no other.
            let witness = try await client.newTiny()
            try await client.sh(machine, "echo kept >/root/kept; sync")
            try await instance.restartDaemon(SIGKILL)
            let again = try instance.client()
            #expect(try await again.state(of: machine) == .dead)
            #expect(try await again.machine(machine).state_reason?.contains("ram.sock") == true)
            #expect(try await again.sh(witness, "echo alive") == "alive")
            try await again.setState(of: machine, to: .running)
            #expect(try await again.sh(machine, "cat /root/kept") == "kept")
            for machine in [machine, witness] { try await again.deleteMachine(machine) }
        }

        @Test func `an image that is missing is named, with what to do`() async throws {
            let configuration = MachineConfiguration(image_name: "nowhere")
            let refusal = try await client.refusal { _ = try await $0.createMachine(configuration, waitForBoot: true) }
            #expect(refusal.code == .notFound)
            #expect(refusal.message.contains("nowhere"))
            #expect(refusal.hint != nil)
            #expect(try await client.machines().isEmpty)
        }

        @Test func `more memory than the host has is refused before anything is made`() async throws {
            let configuration = MachineConfiguration(mem_size_mib: 1_000_000, image_name: "tiny")
            let refusal = try await client.refusal { _ = try await $0.createMachine(configuration, waitForBoot: true) }
            #expect(refusal.code == .invalidArgument)
            #expect(refusal.message.contains("1000000"))
            #expect(Leftovers.names(in: instance.home.appending("vms")).isEmpty)
        }
    }

    @Suite(.needs(image: "tiny"), .enabled(if: TestEnvironment.isRoot, "mounting a small filesystem needs root"))
    struct FullDisk {
        @Test func `a full disk is an error that says so, and nothing is lost or left`() async throws {
            let mount = TestEnvironment.directory.appending("vers-it-full-\(UInt32.random(in: 0...UInt32.max))")
            try FileManager.default.createDirectory(atPath: mount.string, withIntermediateDirectories: true)
            try await run("/usr/bin/mount", ["-t", "tmpfs", "-o", "size=700m", "tmpfs", mount.string])
            do {
                try await Instance.run(root: mount.appending("instance")) { try await fill(mount, $0) }
            } catch {
                try await run("/usr/bin/umount", ["-l", mount.string])
                try FileManager.default.removeItem(atPath: mount.string)
                throw error
            }
            // Lazily: handles of this process for the output of the daemon may still be open.
            try await run("/usr/bin/umount", ["-l", mount.string])
            try FileManager.default.removeItem(atPath: mount.string)
        }

        private func fill(_ mount: FilePath, _ instance: Instance) async throws {
            let client = try instance.client()
            let machine = try await client.newTiny()
            try await client.sh(machine, "echo kept >/root/kept; sync")
            let ballast = mount.appending("ballast")
            try await run("/usr/bin/dd", ["if=/dev/zero", "of=\(ballast)", "bs=1M", "count=650"], mayFail: true)
            for attempt in [
                { _ = try await $0.branch(machine) }, { _ = try await $0.commit(machine) },
                { _ = try await $0.newTiny() },
            ] as [(VersClient) async throws -> Void] {
                let refusal = try await client.refusal(attempt)
                #expect(refusal.code == .resourceExhausted)
                #expect(refusal.message.contains("MiB"))
            }
            #expect(try await client.machines().map(\.vm_id) == [machine])
            // What the guest cannot write stops it, and does not damage it.
            try await client.sh(machine, "(dd if=/dev/urandom of=/root/big bs=1M count=200; sync) >/dev/null 2>&1 &")
            try await client.waitUntil(machine, is: .paused)
            #expect(try await client.machine(machine).state_reason != nil)
            try FileManager.default.removeItem(atPath: ballast.string)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            _ = try await client.branch(machine)
        }

        private func run(_ program: FilePath, _ arguments: [String], mayFail: Bool = false) async throws {
            let run = try RunningProgram(program, arguments, environment: ["PATH": "/usr/bin:/bin"], directory: "/tmp")
            defer { run.forget() }
            let result = try await run.result(within: .seconds(60))
            guard mayFail || result.status == 0 else { throw TestFailure("\(program) \(arguments): \(result)") }
        }
    }
}
