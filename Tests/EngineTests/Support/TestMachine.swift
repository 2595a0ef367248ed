import Foundation
import SystemPackage
import VersAPI
import VersCore

/// A machine of one test.
struct TestMachine: Sendable {
    var place: Place
    var vm: any VirtualMachine
    var shell: GuestShell

    /// The directory of a machine.
    struct Place: Sendable {
        var id = MachineID()
        var root: FilePath
        var directory: FilePath

        init(root: FilePath) throws {
            self.root = root
            directory = root.appending("vms").appending(id.text)
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }

        func launch(disk: FilePath, kernelArguments: [String] = []) -> LaunchConfiguration {
            let image = root.appending("images/test/1")
            return LaunchConfiguration(
                machineID: id,
                directory: directory,
                memoryMiB: TestHost.memoryMiB,
                vcpuCount: 1,
                kernel: image.appending("kernel"),
                initramfs: image.appending("initramfs"),
                kernelArguments: kernelArguments,
                activeDisk: disk
            )
        }
    }

    /// A child of `commit`, paused.
    static func restore(_ commit: TestCommit, on host: TestHost.Prepared) async throws -> TestMachine {
        let place = try Place(root: host.root)
        let disk = try await host.hypervisor.createDisk(
            in: place.directory,
            over: commit.disk,
            sizeMiB: host.hypervisor.diskSizeMiB(of: commit.disk)
        )
        let waiting = try await host.hypervisor.startWaiting(place.launch(disk: disk))
        let vm = try await waiting.restore(commit.state)
        return TestMachine(place: place, vm: vm, shell: GuestShell(vm.guestChannel))
    }

    /// A running child of `commit` for the time of `body`; ended whatever happens.
    static func withChild<Value>(
        of commit: TestCommit,
        on host: TestHost.Prepared,
        _ body: (TestMachine) async throws -> Value
    ) async throws -> Value {
        let machine = try await restore(commit, on: host)
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
    func count() async throws -> Int {
        let text = try await shell.run("cat /tmp/count")
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
    }

    /// Waits until the guest's counter is above `value`.
    func waitForCount(above value: Int) async throws {
        _ = try await shell.run("while [ $(cat /tmp/count) -le \(value) ]; do usleep 20000; done", timeout: .seconds(60))
    }
}
