import Foundation
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What must be true at the end, 3: guests differ where they must, and only there.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Identity {
        private let client: VersClient

        init() throws { client = try Instance.current.client() }

        @Test func `siblings read different random numbers from the first byte on`() async throws {
            let parent = try await client.newTiny()
            let children = try await client.branch(parent, count: 3)
            var numbers: Set<String> = []
            for machine in children + [parent] {
                numbers.insert(try await client.sh(machine, "head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'"))
            }
            #expect(numbers.count == 4)
            #expect(numbers.allSatisfy { $0.count == 64 })
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `the clock of a child is right although its parent was paused with a wrong one`() async throws {
            let parent = try await client.newTiny()
            // What a minute in the pause does, without waiting for one.
            try await client.sh(parent, "date -s @$(($(date +%s) - 60)) >/dev/null")
            try await client.setState(of: parent, to: .paused)
            let child = try await client.branch(parent)[0]
            try await expectRightClock(child)
            try await client.setState(of: parent, to: .running)
            try await expectRightClock(parent)
            try await client.deleteMachine(parent, recursive: true)
        }

        private func expectRightClock(_ machine: MachineID) async throws {
            let before = Date().timeIntervalSince1970
            let guest = try #require(Double(try await client.sh(machine, "date +%s")))
            let after = Date().timeIntervalSince1970
            // Whole seconds are rounded down.
            #expect(guest > before - 2 && guest < after + 1, "the guest has \(guest), the host \(before) to \(after)")
        }

        @Test func `keys and ids differ, what the kernel is does not`() async throws {
            let parent = try await client.newTiny()
            let bootID = "cat /proc/sys/kernel/random/boot_id"
            let start = "awk '/^btime/ {print $2}' /proc/stat; cut -d ' ' -f 22 /proc/1/stat"
            let before = try await client.sh(parent, "\(bootID); cut -d ' ' -f 22 /proc/1/stat")
            let children = try await client.branch(parent, count: 2)
            var keys: Set<String> = []
            var authorized: Set<String> = []
            var names: Set<String> = []
            for machine in [parent] + children {
                #expect(try await client.sh(machine, "\(bootID); cut -d ' ' -f 22 /proc/1/stat") == before, "\(start)")
                keys.insert(try await client.sshKey(of: machine).ssh_private_key)
                authorized.insert(try await client.sh(machine, "cat /root/.ssh/authorized_keys"))
                names.insert(try await client.sh(machine, "hostname"))
            }
            #expect(keys.count == 3)
            #expect(authorized.count == 3)
            #expect(names.count == 3)
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `a host name that the user chose stays`() async throws {
            let parent = try await client.newTiny()
            try await client.sh(parent, "hostname chosen")
            let child = try await client.branch(parent)[0]
            #expect(try await client.sh(child, "hostname") == "chosen")
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `programs of emulated guests lie at the same addresses until somebody asks for random ones`()
            async throws
        {
            let parent = try await client.newTiny()
            guard try await client.metadata(of: parent).accelerator == "tcg" else { return }
            let stack = "awk '/\\[stack\\]/ {print $1}' /proc/self/maps"
            #expect(try await client.sh(parent, stack) == client.sh(parent, stack))
            try await client.sh(parent, "echo 2 >/proc/sys/kernel/randomize_va_space")
            let child = try await client.branch(parent)[0]
            for machine in [parent, child] {
                #expect(try await client.sh(machine, stack) != client.sh(machine, stack))
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `two VMs of one commit are two machines`() async throws {
            let origin = try await client.newTiny()
            let commit = try await client.commit(origin)
            let first = try await client.createMachine(from: commit)
            let second = try await client.createMachine(from: commit)
            var numbers: Set<String> = []
            for machine in [origin, first, second] {
                numbers.insert(try await client.sh(machine, "head -c 16 /dev/urandom | od -An -tx1"))
                try await expectRightClock(machine)
            }
            #expect(numbers.count == 3)
            for machine in [first, second, origin] { try await client.deleteMachine(machine) }
            try await client.deleteCommit(commit)
        }
    }
}
