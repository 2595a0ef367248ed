import Foundation
import SystemPackage
import VersAPI

/// Has a process that waits run a booted state once, with all that a new VM does until it answers its first command. Nothing
/// of it is kept but what emulation has translated.
struct Rehearsal: Sendable {
    /// The second finds the program in memory, and a guest that was idle in between, as that of a new VM is.
    private static let commands = 2

    let hypervisor: any Hypervisor
    let guests: any GuestConnector
    let metadata: any MetadataStoring
    let images: any ImageStoring
    let keys: any KeyMaterialProviding
    let layout: InstanceLayout
    /// For each of its waits.
    let timeout: Duration

    /// Only a booted state, which belongs to nobody, may be run for others.
    func isPossible(of id: CommitID) async throws -> Bool {
        guard hypervisor.canRehearse, let commit = try await metadata.commit(id) else { return false }
        return commit.kind == .boot && commit.deletedAt == nil
    }

    /// - Throws: what it failed with; the process has been ended then.
    func perform(_ standby: Standby, of bootCommit: CommitID) async throws {
        let directory = layout.standbyDirectory(of: standby.id)
        do {
            guard let commit = try await metadata.commit(bootCommit) else {
                throw VersError(.notFound, "commit not found: \(bootCommit)")
            }
            let disk = try await createDisk(for: commit, in: directory)
            defer { try? FileManager.default.removeItem(atPath: disk.string) }
            let state = SavedState(
                memoryLayers: commit.memoryLayers.map { layout.file(.memory, of: $0) },
                deviceState: layout.file(.deviceState, of: bootCommit)
            )
            try await standby.waiting.rehearse(state, disk: disk) { try await converse(over: $0, as: standby.id) }
        } catch {
            await standby.waiting.abandon()
            throw error
        }
    }

    private func createDisk(for commit: Commit, in directory: FilePath) async throws -> FilePath {
        let base: FilePath
        if let last = commit.diskLayers.last {
            base = layout.file(.disk, of: last)
        } else {
            base = try await images.image(named: commit.hardware.imageName, build: commit.hardware.imageBuild).disk
        }
        return try await hypervisor.createDisk(in: directory, over: base, sizeMiB: commit.diskMiB)
    }

    private func converse(over channel: FilePath, as id: MachineID) async throws {
        let session = try await guests.connect(to: channel, of: id, deadline: .now + timeout)
        do {
            try await withDeadline(timeout, "a rehearsal") {
                try await session.applyIdentity(try identity(id))
                for _ in 0..<Self.commands {
                    // Where an image has no such program, what led to its start has been translated all the same.
                    guard let exec = try? await session.execute(ExecRequest(command: ["true"])) else { break }
                    while try await exec.next() != nil {}
                }
            }
            await session.close()
        } catch {
            await session.close()
            throw error
        }
    }

    /// As a new VM's, with keys that open nothing.
    private func identity(_ id: MachineID) throws -> GuestIdentity {
        let credentials = try keys.machineCredentials(comment: "vers")
        return GuestIdentity(
            machineID: id,
            entropy: try keys.randomBytes(64),
            wallClockNanoseconds: UInt64(Date().timeIntervalSince1970 * 1_000_000_000),
            hostname: "vm-\(id.text.prefix(8))",
            authorizedKey: credentials.authorizedKey,
            sshHostKey: credentials.hostKey,
            environment: [:],
            dropsConnections: true
        )
    }
}
