import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct RecoveryTests {
    /// A new daemon over the same files, database and processes.
    private func restarted(_ test: TestDomain, hostRebooted: Bool = false) async throws -> MachineService {
        let domain = test.domain.restarted()
        let machines = MachineService(domain: domain)
        try await Recovery(domain: domain, machines: machines).run(hostRebooted: hostRebooted)
        return machines
    }

    @Test func `VMs that run are taken over under their ids`() async throws {
        try await TestDomain.run { test in
            let running = try await test.create()
            let paused = try await test.create()
            try await test.machines.setState(of: paused, to: .paused, skipWaitBoot: false)
            let machines = try await restarted(test)
            #expect(try await machines.summary(of: running).state == .running)
            #expect(try await machines.summary(of: paused).state == .paused)
            _ = try await machines.guest(of: running, skipWaitBoot: false)
            #expect(test.hypervisor.processes == [running, paused])
        }
    }

    @Test func `a VM whose process went meanwhile is stopped, with the reason`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            await test.machines.releaseForTest()
            await test.hypervisor.machine(id)?.terminate()
            let machines = try await restarted(test)
            let summary = try await machines.summary(of: id)
            #expect(summary.state == .stopped)
            #expect(summary.state_reason != nil)
            try await machines.setState(of: id, to: .running, skipWaitBoot: false)
            #expect(try await machines.summary(of: id).state == .running)
        }
    }

    @Test func `a VM that cannot be taken over is dead, and the daemon serves the others`() async throws {
        try await TestDomain.run { test in
            let (first, second) = (try await test.create(), try await test.create())
            await test.machines.releaseForTest()
            test.hypervisor.fail(.adopt)
            let machines = try await restarted(test)
            var states: [MachineState: MachineID] = [:]
            for id in [first, second] { states[try await machines.summary(of: id).state] = id }
            let lost = try #require(states[.dead])
            let kept = try #require(states[.running])
            #expect(try await machines.summary(of: lost).state_reason?.contains("scripted failure") == true)
            #expect(test.hypervisor.processes == [kept])
            try await machines.setState(of: lost, to: .running, skipWaitBoot: false)
            #expect(try await machines.summary(of: lost).state == .running)
        }
    }

    @Test func `a VM whose files are gone is stopped, and the daemon serves the others`() async throws {
        try await TestDomain.run { test in
            let (lost, kept) = (try await test.create(), try await test.create())
            await test.machines.releaseForTest()
            await test.hypervisor.machine(lost)?.terminate()
            try await test.domain.files.remove(lost)
            let machines = try await restarted(test)
            #expect(try await machines.summary(of: lost).state == .stopped)
            #expect(try await machines.summary(of: kept).state == .running)
            _ = try await machines.delete(lost, recursive: false, skipWaitBoot: false)
            #expect(try await machines.list().map(\.vm_id) == [kept])
        }
    }

    @Test func `disks and saved memory that an operation has left go`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            try await test.machines.setState(of: id, to: .sleeping, skipWaitBoot: false)
            let machine = try #require(try await test.record(id))
            let sleep = try #require(machine.sleepCommitID)
            let directory = test.layout.directory(of: id)
            _ = try test.hypervisor.makeDisk(in: directory, over: "/nowhere")
            _ = try await restarted(test)
            let disks = {
                try FileManager.default.contentsOfDirectory(atPath: directory.string).filter { $0.hasPrefix("disk-") }
            }
            #expect(try disks() == [try #require(machine.activeDisk)])
            #expect(try await test.domain.metadata.commit(sleep)?.deletedAt == nil)
            // As if the daemon had ended between the record of the VM and that of the commit.
            try await test.domain.metadata.update(id) {
                $0.state = .stopped
                $0.sleepCommitID = nil
            }
            _ = try await restarted(test)
            #expect(try await test.domain.metadata.commit(sleep)?.deletedAt != nil)
            #expect(!FileManager.default.fileExists(atPath: test.layout.file(.memory, of: sleep).string))
        }
    }

    @Test func `a VM left in the pause of a freeze runs on`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            try await test.hypervisor.machine(id)?.pause()
            let machines = try await restarted(test)
            #expect(test.hypervisor.machine(id)?.isPaused == false)
            #expect(try await machines.summary(of: id).state == .running)
        }
    }

    @Test func `processes, directories and layers that no record speaks of go`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            let commits = try test.commitDirectories()
            let stray = MachineID()
            try await test.domain.files.create(stray)
            _ = try await test.domain.commits.create(CommitID())
            _ = try await test.hypervisor.startWaiting(
                WaitingConfiguration(
                    machineID: stray,
                    directory: test.layout.directory(of: stray),
                    memoryMiB: 128,
                    vcpuCount: 1
                )
            )
            #expect(test.hypervisor.processes.contains(stray))
            _ = try await restarted(test)
            #expect(test.hypervisor.processes == [id])
            #expect(try test.machineDirectories() == [id])
            #expect(try test.commitDirectories() == commits)
        }
    }

    @Test func `a disk that was switched but not recorded is found`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            let before = try #require(try await test.record(id))
            let commit = try await test.commit(id)
            // As if the daemon had ended before the record was written.
            try await test.domain.metadata.update(id) {
                $0.activeDisk = before.activeDisk
                $0.diskLayers = before.diskLayers
            }
            _ = try await restarted(test)
            #expect(try await test.record(id)?.diskLayers.last == commit)
            try await expectDisksOnFile(of: id, in: test)
        }
    }

    @Test func `a commit that was recorded but not sealed is sealed, unless the host went down`() async throws {
        for hostRebooted in [false, true] {
            try await TestDomain.run { test in
                let id = try await test.commit(try await test.create())
                try await test.domain.metadata.update(id) { $0.isDurable = false }
                _ = try await restarted(test, hostRebooted: hostRebooted)
                if hostRebooted {
                    #expect(try await test.domain.metadata.commit(id)?.deletedAt != nil)
                } else {
                    try await withDeadline(.seconds(60), "sealing") { [metadata = test.domain.metadata] in
                        while try await metadata.commit(id)?.isDurable != true {
                            try await Task.sleep(for: .milliseconds(2))
                        }
                    }
                }
            }
        }
    }

    @Test func `the booted state of an image's build goes once another build has replaced it`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let boot = { () async throws -> [Commit] in
                try await test.domain.metadata.liveCommits().filter { $0.kind == .boot }
            }
            let old = try #require(try await boot().first)
            _ = try await restarted(test)
            #expect(try await boot().map(\.id) == [old.id])

            let images = test.domain.layout.images.appending("default")
            let files = FileManager.default
            try files.copyItem(atPath: images.appending("b1").string, toPath: images.appending("b2").string)
            let manifest = images.appending("b2/manifest.json").string
            let text = try String(contentsOfFile: manifest, encoding: .utf8)
            try text.replacing("\"b1\"", with: "\"b2\"").write(toFile: manifest, atomically: true, encoding: .utf8)
            try files.removeItem(atPath: images.appending("current").string)
            try files.createSymbolicLink(atPath: images.appending("current").string, withDestinationPath: "b2")
            _ = try await restarted(test)
            #expect(try await boot().isEmpty)
            // What the VM that was started from it needs is still there.
            let layers = try #require(try await test.record(machine)).startMemoryLayers
            #expect(layers.contains(old.id))
            let memory = test.domain.layout.file(.memory, of: old.id)
            #expect(files.fileExists(atPath: memory.string))
        }
    }

    @Test func `a VM whose creation was answered but not finished is brought up`() async throws {
        try await TestDomain.run { test in
            let sample = try #require(try await test.record(try await test.create()))
            let machine = Machine(
                id: MachineID(),
                ownerID: test.owner,
                organisationID: .owner,
                createdAt: .now,
                state: .booting,
                labels: nil,
                hardware: sample.hardware,
                diskMiB: sample.diskMiB,
                parentCommitID: nil,
                parentMachineID: nil,
                credentials: sample.credentials
            )
            try await test.domain.metadata.insert([machine])
            // As in a daemon: nothing runs in the background before it serves.
            let background = BackgroundWork()
            let domain = test.domain.restarted(background: background)
            let machines = MachineService(domain: domain)
            try await withDeadline(.seconds(60), "the recovery") {
                try await Recovery(domain: domain, machines: machines).run(hostRebooted: false)
            }
            #expect(try await test.record(machine.id)?.state == .booting)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await background.run() }
                defer { group.cancelAll() }
                _ = try await machines.guest(of: machine.id, skipWaitBoot: false)
                #expect(try await test.record(machine.id)?.state == .running)
            }
        }
    }

    @Test func `a missing image does not keep the daemon from starting`() async throws {
        try await TestDomain.run { test in
            let sample = try #require(try await test.record(try await test.create()))
            let orphan = Machine(
                id: MachineID(),
                ownerID: test.owner,
                organisationID: .owner,
                createdAt: .now,
                state: .booting,
                labels: nil,
                hardware: Hardware(memoryMiB: 128, vcpuCount: 1, imageName: "gone", imageBuild: "b1"),
                diskMiB: 64,
                parentCommitID: nil,
                parentMachineID: nil,
                credentials: sample.credentials
            )
            try await test.domain.metadata.insert([orphan])
            let machines = try await restarted(test)
            try await test.waitUntil(orphan.id) { $0.state == .dead }
            #expect(try await machines.summary(of: orphan.id).state_reason?.contains("gone") == true)
            #expect(try await machines.summary(of: sample.id).state == .running)
        }
    }
}

extension MachineService {
    /// As a daemon that ends: what happens to VMs is not its business any more.
    fileprivate func releaseForTest() async { await MachineRelease(domain: domain).run() }
}

extension Domain {
    /// The same seams for another daemon, which knows nothing yet.
    fileprivate func restarted(background: BackgroundWork? = nil) -> Domain {
        Domain(
            hypervisor: hypervisor,
            guests: guests,
            metadata: metadata,
            accounts: accounts,
            names: names,
            commits: commits,
            files: files,
            images: images,
            importedImages: importedImages,
            host: host,
            keys: keys,
            layout: layout,
            configuration: configuration,
            background: background ?? self.background,
            steps: steps,
            logger: logger
        )
    }
}
