import Foundation
import Glibc
import SystemPackage
import Testing
import VersAPI
import VersClient
import VersCore

extension IntegrationTests {
    /// The host loses power: what was not on stable storage at that moment is gone, and every process with it.
    ///
    /// The instance lies on an ext4 filesystem of its own, which is shut down without its journal (`EXT4_IOC_SHUTDOWN`, as
    /// the crash tests of Linux' filesystems do it), so that nothing which was not flushed before reaches its disk. It
    /// is mounted again, and a daemon started that finds the host rebooted.
    @Suite(
        .needs(image: "tiny"),
        .enabled(if: TestEnvironment.isRoot, "mounting a filesystem needs root"),
        .serialized
    ) struct PowerCut {
        @Test func `what was answered is whole and starts`() async throws {
            try await CutDisk.run { disk, instance in
                let client = try instance.client()
                let machine = try await client.newTiny()
                try await client.sh(machine, "echo first >/root/kept; sync")
                let first = try await client.commit(machine)
                // The second rests on layers of branches, which are flushed in the background.
                let child = try #require(try await client.branch(machine).first)
                try await client.sh(machine, "echo second >/root/kept; echo memory >/tmp/kept; sync")
                _ = try await client.branch(machine)
                let second = try await client.commit(machine)
                try await disk.cut(instance)

                let again = try await disk.restored(instance)
                #expect(Set(try await again.commits().commits.map(\.commit_id)) == [first, second])
                try await expectWhole(first, "cat /root/kept", "first", again)
                try await expectWhole(second, "cat /root/kept /tmp/kept", "second\nmemory", again)
                // Disks up to the guest's last flush; memory is lost.
                for (id, content) in [(machine, "second"), (child, "first")] {
                    #expect(try await again.state(of: id) == .stopped)
                    try await again.setState(of: id, to: .running)
                    #expect(try await again.sh(id, "cat /root/kept") == content)
                }
                try await expectAgreement(instance, again)
            }
        }

        private static let steps: [OperationStep] = [
            .branchFrozen, .branchCommitRecorded, .branchChildrenRecorded, .commitRecorded, .commitSealed,
            .sleepCommitted, .wakeRecorded, .diskRecorded,
        ]

        @Test(arguments: steps) func `nothing half made is listed, and every VM starts`(step: OperationStep)
            async throws
        {
            try await CutDisk.run { disk, instance in
                let first = try instance.client()
                let machine = try await first.newTiny()
                try await first.sh(machine, "echo kept >/root/kept; sync")
                if step == .diskRecorded { try await first.setState(of: machine, to: .stopped) }
                try await instance.endDaemon()
                try await instance.startDaemon(fault: step.rawValue)
                await #expect(throws: VersError.self, "\(step) was not passed") {
                    let client = try instance.client()
                    switch step.rawValue.prefix(while: { $0 != "." }) {
                    case "branch": _ = try await client.branch(machine, count: 2)
                    case "commit", "disk": _ = try await client.commit(machine)
                    default:
                        try await client.setState(of: machine, to: .sleeping)
                        try await client.setState(of: machine, to: .running)
                    }
                }
                try await disk.cut(instance)

                let client = try await disk.restored(instance)
                for commit in try await client.commits().commits {
                    try await expectWhole(commit.commit_id, "cat /root/kept", "kept", client)
                }
                for listed in try await client.machines() {
                    #expect([.stopped, .sleeping].contains(listed.state), "\(listed)")
                    try await client.setState(of: listed.vm_id, to: .running)
                    #expect(try await client.sh(listed.vm_id, "cat /root/kept") == "kept", "\(listed)")
                }
                #expect(try await client.machines().contains { $0.vm_id == machine })
                try await expectAgreement(instance, client)
            }
        }

        /// A VM starts from the commit, and its files are as they were.
        private func expectWhole(
            _ commit: CommitID,
            _ command: String,
            _ content: String,
            _ client: VersClient
        ) async throws {
            let machine = try await client.createMachine(from: commit)
            #expect(try await client.sh(machine, command) == content)
            try await client.deleteMachine(machine)
        }

        /// Rows and files are the same, and the database is sound.
        private func expectAgreement(_ instance: Instance, _ client: VersClient) async throws {
            let listed = try await client.machines().map(\.vm_id.text)
            #expect(Set(Leftovers.names(in: instance.home.appending("vms"))) == Set(listed))
            let known = try instance.knownCommits()
            let directories = Set(Leftovers.names(in: instance.home.appending("commits")))
            #expect(directories.subtracting(known).isEmpty, "commit directories that no row needs")
        }
    }
}

/// A filesystem in a file, whose power can be cut.
private final class CutDisk {
    // From Linux' <uapi/linux/fs.h>: _IOR('X', 125, __u32), and the flag that leaves the journal unwritten.
    private static let shutdown: UInt = 0x8004_587d
    private static let withoutJournal: UInt32 = 2

    private let file: FilePath
    private let mount: FilePath
    /// Of the daemon: this process has it open, so that it must not lie on a disk that is to be detached.
    private let output: FilePath

    private init() throws {
        let name = "vers-it-cut-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        mount = TestEnvironment.directory.appending(name)
        file = FilePath("\(mount).ext4")
        output = FilePath("\(mount).output")
        try FileManager.default.createDirectory(atPath: mount.string, withIntermediateDirectories: true)
    }

    /// Runs `body` with an instance on such a disk, and removes everything.
    static func run(_ body: (CutDisk, Instance) async throws -> Void) async throws {
        let disk = try CutDisk()
        do {
            try await disk.make()
            let root = disk.mount.appending("instance")
            try await Instance.run(root: root, output: disk.output) { instance in
                // The image was there long before.
                try await disk.run("/usr/bin/sync", ["--file-system", disk.mount.string])
                try await body(disk, instance)
            }
        } catch {
            await disk.remove()
            throw error
        }
        await disk.remove()
    }

    private func make() async throws {
        try await run("/usr/bin/truncate", ["-s", "2G", file.string])
        try await run("/usr/sbin/mkfs.ext4", ["-q", "-F", file.string])
        try await attach()
    }

    /// Nothing is committed but what is flushed: the journal's own timer would make the disk look better than it is.
    private func attach() async throws {
        try await run("/usr/bin/mount", ["-o", "loop,commit=600", file.string, mount.string])
    }

    /// Ends everything that runs in the instance, and loses what was not flushed.
    func cut(_ instance: Instance) async throws {
        let directory = try FileDescriptor.open(mount, .readOnly, options: [.directory, .closeOnExec])
        var flags = Self.withoutJournal
        let status = ioctl(directory.rawValue, Self.shutdown, &flags)
        try directory.close()
        guard status == 0 else { throw TestFailure("the filesystem cannot be shut down: \(Errno(rawValue: errno))") }
        try await instance.endDaemon(SIGKILL)
        for process in Leftovers.processes(below: instance.root) { kill(process.pid, SIGKILL) }
        try await eventually("the end of every process") { Leftovers.processes(below: instance.root).isEmpty }
    }

    /// Mounts what is left, and starts a daemon on it, as after the host's start.
    func restored(_ instance: Instance) async throws -> VersClient {
        // A process that is seen no more may still be giving up what it has mapped.
        try await eventually("nobody to use the filesystem") {
            umount2(mount.string, 0) == 0
        }
        try await attach()
        try "another boot".write(
            toFile: instance.home.appending("host-boot-id").string,
            atomically: true,
            encoding: .utf8
        )
        try await instance.startDaemon()
        return try instance.client()
    }

    private func remove() async {
        do {
            // Lazily: what a test that failed has left may use it.
            try await run("/usr/bin/umount", ["-l", mount.string])
            for path in [mount, file, output] { try FileManager.default.removeItem(atPath: path.string) }
        } catch {
            Issue.record(error, "\(mount) could not be removed")
        }
    }

    private func run(_ program: FilePath, _ arguments: [String]) async throws {
        let run = try RunningProgram(program, arguments, environment: ["PATH": "/usr/bin:/bin"], directory: "/")
        defer { run.forget() }
        let result = try await run.result(within: .seconds(60))
        guard result.status == 0 else { throw TestFailure("\(program) \(arguments): \(result)") }
    }
}
