import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What must be true at the end, 6: thirty VMs at once.
    @Suite(.needs(image: "tiny"), .alone, .instance(), .serialized) struct Scale {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `thirty VMs of one commit answer, and the daemon at rest is small`() async throws {
            let origin = try await client.newTiny()
            try await client.sh(origin, "echo golden >/tmp/memory")
            let commit = try await client.commit(origin)
            let machines = try await client.branch(commit, count: 29) + [origin]
            #expect(try await client.machines().count == 30)
            try await withThrowingTaskGroup(of: String.self) { group in
                for machine in machines {
                    group.addTask { [client] in try await client.sh(machine, "cat /tmp/memory; hostname") }
                }
                var names: Set<String> = []
                for try await answer in group {
                    #expect(answer.hasPrefix("golden\n"))
                    names.insert(answer)
                }
                #expect(names.count == 30)
            }
            let pid = try #require(instance.daemonPID)
            let resident = try DaemonUsage.residentMiB(of: pid)
            let before = try Self.cpuTicks(of: pid)
            let began = ContinuousClock.now
            try await Task.sleep(for: .seconds(4))
            let ticks = Double(try Self.cpuTicks(of: pid) - before)
            let seconds = Double((ContinuousClock.now - began).components.seconds)
            let load = ticks / Double(sysconf(Int32(_SC_CLK_TCK))) / seconds * 100
            print("versd with 30 VMs at rest: \(resident) MiB resident, \(load) % of a processor")
            #expect(resident < 120)
            // The aim is 1 %; a tick is a quarter of that in four seconds, and the machine may be busy with other things.
            #expect(load < 5)
            try await client.deleteMachine(origin, recursive: true)
            for machine in try await client.machines() { try await client.deleteMachine(machine.vm_id) }
            try await client.deleteCommit(commit)
        }

        /// Fields 14 and 15 of `/proc/<pid>/stat`: user and system time.
        private static func cpuTicks(of pid: Int32) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            let fields = try #require(text.split(separator: ")").last).split(separator: " ")
            return (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
        }
    }
}
