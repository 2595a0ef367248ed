import EngineTestSupport
import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI
import VersCore

extension EngineTests {
    @Suite("branching")
    struct BranchTests {
        @Test("a counter in memory goes on in the parent and in two children of one freeze")
        func counterGoesOn() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { parent in
                try await parent.waitForCount(above: 1)
                try await parent.shell.run("echo parent > /disk/owner; head -c 3000000 /dev/urandom > /tmp/blob")
                let sum = try await parent.shell.run("md5sum < /tmp/blob")
                let before = try await parent.count()
                let commit = try await TestCommit.freeze(
                    parent.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
                for child in 0..<2 {
                    try await TestMachine.withChild(of: commit, on: host.engine) { machine in
                        #expect(try await machine.count() >= before)
                        #expect(try await machine.shell.run("md5sum < /tmp/blob") == sum)
                        #expect(try await machine.shell.run("cat /disk/owner") == "parent")
                        try await machine.shell.run("echo child \(child) > /disk/owner; sync")
                        try await machine.waitForCount(above: before + 5)
                    }
                }
                try await parent.waitForCount(above: before + 5)
                #expect(try await parent.shell.run("cat /disk/owner") == "parent")
                #expect(try await parent.shell.run("md5sum < /tmp/blob") == sum)
            }
        }

        @Test(
            "five generations keep memory and disk, and later layers since a mark are small",
            arguments: [true, false]
        )
        func fiveGenerations(tracksWrites: Bool) async throws {
            let host = try await TestHost.shared.prepared()
            let engine = tracksWrites ? host.engine : try await host.engine.withoutTracking()
            var commit = host.booted
            for generation in 0..<5 {
                commit = try await TestMachine.withChild(of: commit, on: engine) { machine in
                    for earlier in 0..<generation {
                        let sums = try await machine.shell.run("md5sum < /tmp/g\(earlier); md5sum < /disk/g\(earlier)")
                        let lines = sums.split(separator: "\n")
                        #expect(lines.count == 2 && lines[0] == lines[1], "generation \(generation), file \(earlier)")
                    }
                    try await machine.shell.run(
                        "head -c 2000000 /dev/urandom > /tmp/g\(generation); cp /tmp/g\(generation) /disk/; sync"
                    )
                    let first = try await TestCommit.freeze(
                        machine.vm,
                        root: host.engine.root,
                        parent: commit,
                        delta: .sinceStart
                    )
                    #expect(first.report.diskSwitched)
                    if !tracksWrites { #expect(first.report.ahead == nil) }
                    #expect(try await machine.vm.memoryMark() == first.id)
                    let second = try await TestCommit.freeze(
                        machine.vm,
                        root: host.engine.root,
                        parent: first,
                        delta: .since(mark: first.id)
                    )
                    #expect(second.layer.bytes < first.layer.bytes / 2)
                    return second
                }
            }
        }

        @Test("layers that are merged onto the first give back what each has written, and what was cleared")
        func mergedLayers() async throws {
            let host = try await TestHost.shared.prepared()
            func branch(_ parent: TestCommit, _ script: String, _ delta: MemoryDelta) async throws
                -> (commit: TestCommit, sum: String)
            {
                try await TestMachine.withChild(of: parent, on: host.engine) { machine in
                    let sum = try await machine.shell.run("\(script); md5sum < /tmp/blob")
                    let commit = try await TestCommit.freeze(
                        machine.vm,
                        root: host.engine.root,
                        parent: parent,
                        delta: delta
                    )
                    return (commit, sum)
                }
            }
            func overwrite(with source: String, from block: Int) -> String {
                "dd if=/dev/\(source) of=/tmp/blob bs=4096 seek=\(block) count=400 conv=notrunc 2>/dev/null"
            }
            let first = try await branch(host.booted, "head -c 8000000 /dev/urandom > /tmp/blob", .everything).commit
            var chain = first
            for round in 0..<3 {
                let source = round % 2 == 0 ? "zero" : "urandom"
                chain = try await branch(chain, overwrite(with: source, from: round * 300), .sinceStart).commit
            }
            #expect(chain.layers.count == 4)
            let (merged, sum) = try await branch(chain, overwrite(with: "zero", from: 1200), .sinceFirstLayer)
            #expect(merged.layers.count == 2 && merged.layers[0] == first.layers[0])
            #expect(merged.layer.bytes < first.layer.bytes)
            // It goes on from there as from any other.
            let next = try await branch(merged, "true", .sinceStart)
            #expect(next.sum == sum)
            #expect(try await branch(next.commit, "true", .sinceStart).sum == sum)
        }

        @Test("a child that was started before the freeze sees the disk of the freeze, under heavy writing")
        func childStartedBefore() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { parent in
                try await parent.shell.run(
                    """
                    (while :; do head -c 400000 /dev/urandom > /disk/noise; sync; cp /disk/noise /disk/copy; sync; done) \
                    >/dev/null 2>&1 & echo $! > /tmp/writer
                    """
                )
                let id = CommitID()
                let directory = try TestCommit.newDirectory(host.engine.root, id)
                let freeze = try await parent.vm.prepareFreeze(
                    FreezeRequest(directory: directory, delta: .sinceStart, mark: id, reusesUnchangedDisk: true)
                )
                let place = try TestMachine.Place(engine: host.engine)
                let waiting = try await host.engine.hypervisor.startWaiting(place.waiting)
                // The parent goes on changing the disk while the child waits.
                try await parent.waitForCount(above: parent.count() + 20)
                let frozen = try await freeze.execute(leavePaused: false)
                _ = try await frozen.memoryLayer()
                #expect(frozen.report.diskSwitched)
                let state = SavedState(
                    memoryLayers: host.booted.layers + [directory.appending(LayerFile.memory.rawValue)],
                    deviceState: directory.appending(LayerFile.deviceState.rawValue)
                )
                let disk = try await host.engine.hypervisor.createDisk(
                    in: place.directory,
                    over: directory.appending(LayerFile.disk.rawValue),
                    sizeMiB: host.engine.diskMiB
                )
                try await waiting.openDisk(disk)
                let vm = try await waiting.restore(state)
                let child = TestMachine(place: place, vm: vm)
                try await vm.resume()
                try await frozen.keepMark()
                try await child.shell.run("kill -9 $(cat /tmp/writer); echo mine > /disk/mine; sync")
                try await child.shell.run("until umount /disk; do usleep 100000; done")
                await vm.terminate()
                try checkFileSystem(disk, host: host)
                try await parent.shell.run("sync")
            }
        }

        /// The filesystem of a disk layer, replayed and checked.
        private func checkFileSystem(_ disk: FilePath, host: TestHost.Prepared) throws {
            let raw = host.engine.root.appending("check-\(UUID().uuidString).raw")
            defer { try? HostFile.remove(raw) }
            try Program.run("/usr/bin/qemu-img", ["convert", "-O", "raw", disk.string, raw.string])
            // The journal is replayed first, as a mount would; what is left wrong is an error.
            try Program.run("/sbin/e2fsck", ["-fp", raw.string], acceptable: [0, 1])
            try Program.run("/sbin/e2fsck", ["-fn", raw.string])
        }

        @Test("a paused machine can be branched and stays paused")
        func pausedMachine() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                try await machine.vm.pause()
                #expect(try await machine.vm.executionState() == .paused)
                let commit = try await TestCommit.freeze(
                    machine.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
                #expect(try await machine.vm.executionState() == .paused)
                try await TestMachine.withChild(of: commit, on: host.engine) { child in
                    try await child.waitForCount(above: child.count())
                }
                try await machine.vm.resume()
                try await machine.waitForCount(above: machine.count())
            }
        }

        @Test("a freeze that fails leaves the machine running, its disk in place and nothing behind")
        func failedFreeze() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                let disk = try await machine.vm.activeDisk()
                let id = CommitID()
                let directory = try TestCommit.newDirectory(host.engine.root, id)
                let freeze = try await machine.vm.prepareFreeze(
                    FreezeRequest(directory: directory, delta: .sinceStart, mark: id, reusesUnchangedDisk: true)
                )
                // Device state cannot be written where a directory is.
                try FileManager.default.createDirectory(
                    atPath: directory.appending(LayerFile.deviceState.rawValue).string,
                    withIntermediateDirectories: false
                )
                await #expect(throws: VersError.self) { _ = try await freeze.execute(leavePaused: false) }
                #expect(try await machine.vm.executionState() == .running)
                #expect(try await machine.vm.activeDisk() == disk)
                let names = try HostFile.names(in: machine.place.directory).filter { $0.hasSuffix(".qcow2") }
                #expect(names == [disk.lastComponent?.string])
                #expect(try HostFile.names(in: directory) == [LayerFile.deviceState.rawValue])
                try await machine.waitForCount(above: machine.count())
                _ = try await TestCommit.freeze(
                    machine.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .sinceStart
                )
            }
        }

        @Test("an abandoned preparation and an abandoned copy leave the machine as it was")
        func abandoned() async throws {
            let host = try await TestHost.shared.prepared()
            try await TestMachine.withChild(of: host.booted, on: host.engine) { machine in
                let id = CommitID()
                let directory = try TestCommit.newDirectory(host.engine.root, id)
                let request = FreezeRequest(
                    directory: directory,
                    delta: .sinceStart,
                    mark: id,
                    reusesUnchangedDisk: true
                )
                let freeze = try await machine.vm.prepareFreeze(request)
                await freeze.abandon()
                #expect(try HostFile.names(in: directory) == [])
                let frozen = try await machine.vm.prepareFreeze(request).execute(leavePaused: false)
                await frozen.abandon()
                #expect(try await machine.vm.memoryMark() == nil)
                try await machine.waitForCount(above: machine.count())
            }
        }
    }
}
