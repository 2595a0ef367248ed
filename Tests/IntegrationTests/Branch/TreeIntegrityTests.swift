import Foundation
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What must be true at the end, 2: five generations, six VMs alive, memory and disk.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct TreeIntegrity {
        private static let memoryPages = 6000
        private static let filePages = 1000

        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        private struct Status {
            var passes: Int
            var violations: Int
            var seed: Int
            var firstViolation: String
        }

        private func status(of machine: MachineID) async throws -> Status {
            let text = try await client.sh(machine, "cat /tmp/status 2>/dev/null || echo 0 0 0 -")
            let fields = text.split(separator: " ", maxSplits: 3)
            return Status(
                passes: try #require(Int(fields[0])),
                violations: try #require(Int(fields[1])),
                seed: try #require(Int(fields[2])),
                firstViolation: String(fields[3])
            )
        }

        /// Waits until the program has been through all of its pages `count` more times.
        private func morePasses(_ count: Int, in machines: [MachineID]) async throws {
            var goals: [(MachineID, Int)] = []
            for machine in machines { goals.append((machine, try await status(of: machine).passes + count)) }
            for (machine, goal) in goals {
                try await eventually("\(count) passes in \(machine)", within: .seconds(180)) {
                    try await status(of: machine).passes >= goal
                }
            }
        }

        @Test func `no VM of a tree of five generations ever sees a wrong page`() async throws {
            let program = try await GuestProgram.compile("pages", into: instance.root)
            let root = try await client.newTiny()
            try await client.writeFile(program, to: "/root/pages", in: root, mode: 0o755)
            try await client.sh(
                root,
                "/root/pages \(Self.memoryPages) \(Self.filePages) /root/pages.bin /tmp/status /tmp/seed"
            )
            try await morePasses(2, in: [root])
            // Two children of the root, then each generation from the one before: six VMs alive.
            var alive = [root] + (try await client.branch(root, count: 2))
            var youngest = alive[1]
            for generation in 2...4 {
                try await diverge(alive, generation: generation)
                youngest = try await client.branch(youngest)[0]
                alive.append(youngest)
            }
            #expect(alive.count == 6)
            try await diverge(alive, generation: 5)
            // The oldest branches again, late, into a chain of its own, and a middle one goes to sleep and wakes.
            let late = try await client.branch(root)[0]
            try await client.setState(of: alive[3], to: .sleeping)
            try await client.setState(of: alive[3], to: .running)
            try await morePasses(8, in: alive + [late])
            var seeds: Set<Int> = []
            for machine in alive + [late] {
                let status = try await status(of: machine)
                #expect(status.violations == 0, "\(machine): \(status.firstViolation)")
                seeds.insert(status.seed)
            }
            #expect(seeds.count == 6)
            // What is on the disks is what the program wrote, read past every cache.
            for machine in alive { try await client.sh(machine, "sync; echo 3 >/proc/sys/vm/drop_caches") }
            try await morePasses(5, in: alive)
            for machine in alive {
                let status = try await status(of: machine)
                #expect(status.violations == 0, "\(machine): \(status.firstViolation)")
                try await client.setState(of: machine, to: .stopped)
                try await instance.checkDisk(of: machine)
            }
        }

        /// Lets every VM write what no other writes.
        private func diverge(_ machines: [MachineID], generation: Int) async throws {
            for (index, machine) in machines.enumerated() {
                try await client.sh(
                    machine,
                    "echo \(generation * 100 + index) >/tmp/seed.new; mv /tmp/seed.new /tmp/seed"
                )
            }
            try await morePasses(2, in: machines)
        }
    }
}
