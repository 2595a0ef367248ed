internal import Foundation
package import SystemPackage
package import VersAPI
package import VersCore

/// A machine of one test.
package struct TestMachine: Sendable {
    package var place: Place
    package var vm: any VirtualMachine
    package var shell: GuestShell

    package init(place: Place, vm: any VirtualMachine) {
        self.place = place
        self.vm = vm
        shell = GuestShell(vm.guestChannel)
    }

    /// The directory of a machine.
    package struct Place: Sendable {
        package var id = MachineID()
        package var engine: TestEngine
        package var directory: FilePath

        package init(engine: TestEngine) throws {
            self.engine = engine
            directory = engine.root.appending("vms").appending(id.text)
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }

        package var waiting: WaitingConfiguration {
            WaitingConfiguration(machineID: id, directory: directory, memoryMiB: engine.memoryMiB, vcpuCount: 1)
        }

        package func launch(disk: FilePath, kernelArguments: [String] = []) -> LaunchConfiguration {
            let image = engine.image
            return LaunchConfiguration(
                machineID: id,
                directory: directory,
                memoryMiB: engine.memoryMiB,
                vcpuCount: 1,
                kernel: image.appending("kernel"),
                initramfs: image.appending("initramfs"),
                kernelArguments: kernelArguments,
                activeDisk: disk
            )
        }
    }

    /// A child of `commit`, paused.
    package static func restore(_ commit: TestCommit, on engine: TestEngine) async throws -> TestMachine {
        let place = try Place(engine: engine)
        let disk = try await engine.hypervisor.createDisk(
            in: place.directory,
            over: commit.disk,
            sizeMiB: engine.hypervisor.diskSizeMiB(of: commit.disk)
        )
        let waiting = try await engine.hypervisor.startWaiting(place.waiting)
        try await waiting.openDisk(disk)
        let vm = try await waiting.restore(commit.state)
        return TestMachine(place: place, vm: vm)
    }

    /// A running child of `commit` for the time of `body`; ended whatever happens.
    package static func withChild<Value>(
        of commit: TestCommit,
        on engine: TestEngine,
        _ body: (TestMachine) async throws -> Value
    ) async throws -> Value {
        let machine = try await restore(commit, on: engine)
        do {
            try await machine.vm.resume()
            let value = try await body(machine)
            await machine.vm.terminate()
            return value
        } catch {
            await machine.vm.terminate()
            throw error
        }
    }

    /// The value of the counter that the guest keeps in memory.
    package func count() async throws -> Int {
        let text = try await shell.run("cat /tmp/count")
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
    }

    /// Waits until the guest's counter is above `value`.
    package func waitForCount(above value: Int) async throws {
        _ = try await shell.run(
            "while [ $(cat /tmp/count) -le \(value) ]; do usleep 20000; done",
            timeout: .seconds(60)
        )
    }
}
