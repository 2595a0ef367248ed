import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct SleepAndCommit {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `a paused VM goes on where it was`() async throws {
            let machine = try await client.newTiny()
            try await client.startCounter(machine)
            try await client.setState(of: machine, to: .paused)
            let refusal = try await client.refusal { _ = try await $0.sh(machine, "true") }
            #expect(refusal.code == .conflict)
            #expect(refusal.hint?.contains("resume") == true)
            try await client.setState(of: machine, to: .running)
            let after = try await client.counter(machine)
            #expect(after > 1)
            try await eventually("the counter to go on") { try await client.counter(machine) > after }
            try await client.deleteMachine(machine)
        }

        @Test func `a sleeping VM has no process and wakes where it was, again and again`() async throws {
            let machine = try await client.newTiny()
            try await client.startCounter(machine)
            var last = try await client.counter(machine)
            for _ in 0..<3 {
                try await client.setState(of: machine, to: .sleeping)
                #expect(instance.machinesWithProcess().isEmpty)
                try await client.setState(of: machine, to: .running)
                let now = try await client.counter(machine)
                #expect(now >= last)
                try await eventually("the counter to go on") { try await client.counter(machine) > now }
                last = now
            }
            try await client.deleteMachine(machine)
        }

        @Test func `a stopped VM boots from its disk`() async throws {
            let machine = try await client.newTiny()
            try await client.sh(machine, "echo kept >/root/kept; echo lost >/dev/shm/lost 2>/dev/null || true")
            try await client.setState(of: machine, to: .stopped)
            #expect(instance.machinesWithProcess().isEmpty)
            try await client.setState(of: machine, to: .running)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            try await client.deleteMachine(machine)
        }

        @Test func `a commit survives its VM, and any number of VMs start from it`() async throws {
            let origin = try await client.newTiny()
            try await client.startCounter(origin)
            let commit = try await client.commit(origin, CommitRequest(name: "golden"))
            try await client.deleteMachine(origin)
            let machines = try await client.branch(commit, count: 2)
            let counts = [try await client.counter(machines[0]), try await client.counter(machines[1])]
            #expect(counts.allSatisfy { $0 > 1 })
            let refusal = try await client.refusal { try await $0.deleteCommit(commit) }
            #expect(refusal.code == .inUse)
            #expect(refusal.code.httpStatus == 409)
            for machine in machines {
                #expect(refusal.message.contains(machine.text))
                try await client.deleteMachine(machine)
            }
            try await client.deleteCommit(commit)
            #expect(try await client.commits().total == 0)
        }

        @Test func `a commit of a stopped VM boots`() async throws {
            let origin = try await client.newTiny()
            try await client.sh(origin, "echo kept >/root/kept")
            try await client.setState(of: origin, to: .stopped)
            let commit = try await client.commit(origin)
            let machine = try await client.createMachine(from: commit)
            #expect(try await client.sh(machine, "cat /root/kept") == "kept")
            try await client.setState(of: origin, to: .running)
            #expect(try await client.sh(origin, "cat /root/kept") == "kept")
            for machine in [machine, origin] { try await client.deleteMachine(machine) }
            try await client.deleteCommit(commit)
        }

        @Test func `commits of one VM are each what it was then`() async throws {
            let origin = try await client.newTiny()
            var commits: [CommitID] = []
            for number in 0..<4 {
                try await client.sh(origin, "echo \(number) >/root/number; echo \(number) >/tmp/number")
                commits.append(try await client.commit(origin))
            }
            try await client.deleteMachine(origin)
            // The oldest goes; the others rest on its layers.
            try await client.deleteCommit(commits[0])
            for number in 1..<4 {
                let machine = try await client.createMachine(from: commits[number])
                #expect(try await client.sh(machine, "cat /root/number /tmp/number") == "\(number)\n\(number)")
                try await client.deleteMachine(machine)
            }
            for commit in commits.dropFirst() { try await client.deleteCommit(commit) }
        }

        @Test func `many branches of one VM do not make its disk's chain grow without end`() async throws {
            let machine = try await client.newTiny()
            for number in 0..<20 {
                try await client.sh(machine, "echo \(number) >/root/n-\(number); sync")
                let child = try await client.branch(machine)[0]
                try await client.deleteMachine(child)
            }
            let written = (0..<20).map { "\($0)" }.joined(separator: "\n")
            #expect(try await client.sh(machine, "cd /root; for n in $(seq 0 19); do cat n-$n; done") == written)
            try await eventually("the chain to be flattened") {
                Leftovers.names(in: instance.home.appending("commits")).count < 20
            }
            try await client.setState(of: machine, to: .stopped)
            try await instance.checkDisk(of: machine)
            try await client.deleteMachine(machine)
        }
    }
}
