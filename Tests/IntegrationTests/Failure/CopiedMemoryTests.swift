import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// A host whose QEMU takes no memory library: what the library sees to elsewhere is seen to all the same.
    @Suite(.needs(image: "tiny"), .serialized) struct CopiedMemory {
        private func waitForStandby(_ instance: Instance) async throws {
            try await eventually("a process that waits") {
                !Leftovers.processes(below: instance.home.appending("standby")).isEmpty
            }
        }

        @Test func `a process that waits ends with its daemon, and the memory of one that crashed goes`() async throws {
            try await Instance.run(daemonOptions: ["--memory", "copy", "--standby", "1"]) { instance in
                let client = try instance.client()
                let machine = try await client.newTiny()
                let child = try #require(try await client.branch(machine).first)
                let memory = instance.home.appending("vms/\(machine)/ram").string
                try #require(FileManager.default.fileExists(atPath: memory))
                try await waitForStandby(instance)
                try await instance.endDaemon(SIGKILL)
                // Without a daemon that could see to it.
                try await eventually("no process that waits") {
                    Leftovers.processes(below: instance.home.appending("standby")).isEmpty
                }
                #expect(instance.machinesWithProcess() == [machine.text, child.text])
                let pid = try instance.hypervisorPID(of: machine.text)
                kill(pid, SIGKILL)
                try await eventually("the VM's process to be gone") { kill(pid, 0) != 0 }

                try await instance.startDaemon()
                let again = try instance.client()
                #expect(try await again.state(of: machine) == .stopped)
                #expect(!FileManager.default.fileExists(atPath: memory))
                #expect(try await again.sh(child, "echo alive") == "alive")
                // While a daemon runs the file goes with the process.
                kill(try instance.hypervisorPID(of: child.text), SIGKILL)
                try await again.waitUntil(child, is: .dead)
                let childMemory = instance.home.appending("vms/\(child)/ram").string
                try await eventually("the child's memory to be gone") {
                    !FileManager.default.fileExists(atPath: childMemory)
                }
                try await again.setState(of: machine, to: .running)
                #expect(try await again.sh(machine, "echo up") == "up")
            }
        }
    }
}
