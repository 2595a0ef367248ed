import EngineTestSupport
import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI
import VersCore

extension EngineTests {
    @Suite("the life of a machine")
    struct LifecycleTests {
        /// Everything a machine reports until it ends, or until `last`.
        private func collect(
            _ events: AsyncStream<VirtualMachineEvent>,
            through last: VirtualMachineEvent? = nil
        ) async -> [VirtualMachineEvent] {
            var seen: [VirtualMachineEvent] = []
            for await event in events {
                // When the guest opened its port is no part of how it ended.
                if case .agentPortChanged = event { continue }
                seen.append(event)
                if event == last { break }
            }
            return seen
        }

        @Test("a guest that powers off is told from one that reboots")
        func powerOffAndReset() async throws {
            let host = try await TestHost.shared.prepared()
            let expectations: [(String, VirtualMachineEvent)] = [
                ("poweroff -f", .guestPoweredOff), ("reboot -f", .guestReset),
            ]
            for (command, expected) in expectations {
                try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                    let events = machine.vm.events()
                    _ = try? await machine.shell.run(command)
                    let seen = await collect(events)
                    #expect(seen == [expected, .exited(status: "exit status 0")])
                }
            }
        }

        @Test("a kernel panic stops the machine and is told")
        func panic() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                let events = machine.vm.events()
                _ = try? await machine.shell.run("echo c > /proc/sysrq-trigger", timeout: .seconds(1))
                #expect(await collect(events, through: .guestPanicked).last == .guestPanicked)
                guard case .halted = try await machine.vm.executionState() else {
                    Issue.record("a panicked machine is not halted")
                    return
                }
                await #expect(throws: VersError.self) { try await machine.vm.resume() }
            }
        }

        @Test("a killed QEMU is an event")
        func killed() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                let events = machine.vm.events()
                kill(machine.vm.process.pid, SIGKILL)
                #expect(await collect(events) == [.exited(status: "signal 9")])
                await #expect(throws: VersError.self) { try await machine.vm.pause() }
                let adopted = try await host.engine.hypervisor.adopt(
                    machine.vm.process,
                    directory: machine.place.directory
                )
                #expect(adopted == nil)
            }
        }

        @Test("a machine that was let go runs on and is taken over with its mark and disk")
        func adoption() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                try await machine.shell.run("echo x > /disk/x; sync")
                let commit = try await TestCommit.freeze(
                    machine.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
                let disk = try await machine.vm.activeDisk()
                let before = try await machine.count()
                await machine.vm.detach()
                let adopted = try #require(
                    try await host.engine.hypervisor.adopt(machine.vm.process, directory: machine.place.directory)
                )
                #expect(adopted.process == machine.vm.process)
                #expect(try await adopted.activeDisk() == disk)
                #expect(try await adopted.memoryMark() == commit.id)
                try await machine.waitForCount(above: before)
                let next = try await TestCommit.freeze(
                    adopted,
                    root: host.engine.root,
                    parent: commit,
                    delta: .since(mark: commit.id)
                )
                try await TestMachine.withChild(of: next, on: host.engine) { child in
                    let content = try await child.shell.run("cat /disk/x")
                    #expect(content == "x")
                }
                let events = adopted.events()
                await adopted.terminate()
                // Ended by the same program that started it, so its status is known.
                #expect(await collect(events).last == .exited(status: "exit status 0"))
            }
        }

        @Test("strays are ended, others are kept")
        func strays() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { kept in
                _ = try await TestCommit.freeze(
                    kept.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
                let mark = try await kept.vm.memoryMark()
                try await TestMachine.withChild(of: host.booted, on: host.engine) { stray in
                    let events = stray.vm.events()
                    await host.engine.hypervisor.terminateStrays(
                        below: host.engine.root.appending("vms"),
                        keeping: [kept.vm.process.pid]
                    )
                    #expect(await collect(events) == [.exited(status: "signal 9")])
                }
                try await kept.waitForCount(above: kept.count())
                #expect(try await kept.vm.memoryMark() == mark)
            }
        }

        @Test("the disk grows under a running guest, and not below what it has")
        func growDisk() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                try await machine.vm.growDisk(toMiB: 300)
                let disk = try await machine.vm.activeDisk()
                #expect(try await host.engine.hypervisor.diskSizeMiB(of: disk) == 300)
                let sectors = try await machine.shell.run("cat /sys/block/vda/size")
                #expect(sectors == "\(300 * 2048)")
                await #expect(throws: VersError.self) { try await machine.vm.growDisk(toMiB: 299) }
                let commit = try await TestCommit.freeze(
                    machine.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
                try await TestMachine.withChild(of: commit, on: host.engine) { child in
                    let size = try await child.shell.run("cat /sys/block/vda/size")
                    #expect(size == sectors)
                }
            }
        }

        @Test("a chain is flattened while the guest runs")
        func flattenDisk() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                var parent = host.booted
                for layer in 0..<4 {
                    try await machine.shell.run("head -c 300000 /dev/urandom > /disk/layer\(layer); sync")
                    parent = try await TestCommit.freeze(
                        machine.vm,
                        root: host.engine.root,
                        parent: parent,
                        delta: .sinceStart
                    )
                    parent.layers = host.booted.layers + [parent.layers[parent.layers.count - 1]]
                }
                let sums = try await machine.shell.run("md5sum /disk/layer*")
                let active = try await machine.vm.activeDisk()
                try await machine.vm.flattenDisk(downTo: host.booted.disk)
                try await machine.shell.run("echo 3 > /proc/sys/vm/drop_caches")
                #expect(try await machine.shell.run("md5sum /disk/layer*") == sums)
                let base = try await backingFile(of: active)
                #expect(HostFile.identity(of: base) == HostFile.identity(of: host.booted.disk))
                let commit = try await TestCommit.freeze(
                    machine.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
                try await TestMachine.withChild(of: commit, on: host.engine) { child in
                    try await child.shell.run("echo 3 > /proc/sys/vm/drop_caches")
                    #expect(try await child.shell.run("md5sum /disk/layer*") == sums)
                }
            }
        }

        private func backingFile(of disk: FilePath) async throws -> FilePath {
            let output = try Program.output("/usr/bin/qemu-img", ["info", "-U", "--output=json", disk.string])
            let info = try JSONDecoder().decode(ImageInfo.self, from: Data(output.utf8))
            return FilePath(info.fullBackingFile)
        }

        private struct ImageInfo: Decodable {
            var fullBackingFile: String
            enum CodingKeys: String, CodingKey { case fullBackingFile = "full-backing-filename" }
        }

        @Test("the console is bounded, whatever the guest prints, and its last words are kept")
        func console() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                let events = machine.vm.events()
                try await machine.shell.run(
                    "yes 0123456789012345678901234567890123456789 | head -c 2500000 > /dev/console",
                    timeout: .seconds(100)
                )
                _ = try? await machine.shell.run("echo last words > /dev/console; poweroff -f")
                _ = await collect(events)
                let log = machine.place.directory.appending("console.log")
                let sizes = try [log, FilePath(log.string + ".1")].map { try HostFile.size(of: $0) }
                #expect(sizes.allSatisfy { $0 > 0 && $0 <= 1 << 20 })
                #expect(
                    String(decoding: try HostFile.readEnd(log, limitInBytes: 1000), as: UTF8.self).contains(
                        "last words"
                    )
                )
            }
        }

        @Test("a machine that cannot start says why, and nothing is left")
        func failedStart() async throws {
            let host = try await TestHost.shared.prepared()
            let place = try TestMachine.Place(engine: host.engine)
            let launch = place.launch(disk: place.directory.appending("disk-9.qcow2"))
            await #expect(throws: VersError.self) { _ = try await host.engine.hypervisor.boot(launch) }
        }

        @Test("state that does not fit the machine is refused, and its process ended")
        func wrongState() async throws {
            let host = try await TestHost.shared.prepared()
            let place = try TestMachine.Place(engine: host.engine)
            let disk = try await host.engine.hypervisor.createDisk(
                in: place.directory,
                over: host.booted.disk,
                sizeMiB: host.engine.diskMiB
            )
            var configuration = place.waiting
            configuration.memoryMiB *= 2
            let waiting = try await host.engine.hypervisor.startWaiting(configuration)
            try await waiting.openDisk(disk)
            do {
                _ = try await waiting.restore(host.booted.state)
                Issue.record("memory of another size was loaded")
            } catch let error as VersError {
                #expect(error.code == .incompatible)
            }
            #expect(ProcessTable.startTimeTicks(of: waiting.process.pid) == nil)
        }
    }
}
