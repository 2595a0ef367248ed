import Foundation
import Logging
import Synchronization
import SystemPackage
import VersAPI

/// The booted states of images, from which root VMs start in a fraction of a second instead of booting.
///
/// One hidden commit for every image build, memory size and vCPU count; made when first asked for, by one task
/// however many ask at once.
actor BootCommits {
    private struct Key: Hashable {
        let hardware: Hardware
        let compatibility: HypervisorCompatibility
    }

    private let domain: Domain
    private let launcher: MachineLauncher
    private let freezer: MachineFreezer
    private var making: [Key: Task<Commit, any Error>] = [:]

    init(domain: Domain, launcher: MachineLauncher, freezer: MachineFreezer) {
        self.domain = domain
        self.launcher = launcher
        self.freezer = freezer
    }

    /// The booted state of that hardware; made now if there is none.
    func commit(for hardware: Hardware, image: BaseImage) async throws -> Commit {
        let key = Key(hardware: hardware, compatibility: domain.hypervisor.compatibility)
        if let task = making[key] { return try await task.value }
        if let commit = try await existing(key) { return commit }
        if let task = making[key] { return try await task.value }
        let task = Task { try await self.make(hardware, image: image) }
        making[key] = task
        defer { making[key] = nil }
        return try await task.value
    }

    /// The booted state of that hardware, if there is one.
    func existing(for hardware: Hardware) async throws -> Commit? {
        try await existing(Key(hardware: hardware, compatibility: domain.hypervisor.compatibility))
    }

    private func existing(_ key: Key) async throws -> Commit? {
        try await domain.metadata.liveCommits().first {
            $0.kind == .boot && $0.isDurable && $0.hardware == key.hardware && $0.compatibility == key.compatibility
        }
    }

    /// Boots a VM that nobody sees, freezes it once it has settled, and ends it.
    private func make(_ hardware: Hardware, image: BaseImage) async throws -> Commit {
        let id = MachineID()
        let owner = Principal.nobody
        domain.logger.info(
            "boot commit started",
            metadata: ["image.name": "\(image.name)", "vm.memory-mib": "\(hardware.memoryMiB)"]
        )
        let directory = domain.layout.directory(of: id)
        do {
            try await domain.files.create(id)
            let disk = try await domain.hypervisor.createDisk(in: directory, over: image.disk, sizeMiB: image.diskMiB)
            let machine = Machine(
                id: id,
                ownerID: owner.keyID,
                organisationID: owner.organisationID,
                createdAt: Date(),
                state: .booting,
                labels: nil,
                hardware: hardware,
                diskMiB: image.diskMiB,
                parentCommitID: nil,
                parentMachineID: nil,
                activeDisk: disk.lastComponent?.string,
                credentials: try domain.keys.machineCredentials(comment: "vers")
            )
            let commit = try await freezeBooted(machine, owner: owner)
            await domain.removeFiles(of: id)
            return commit
        } catch let failure as BootFailure {
            // Nobody can ask for the console of a VM that nobody sees.
            let line = await tellingConsoleLine(of: id)
            await domain.removeFiles(of: id)
            let written = line.map { ", its console says '\($0)'" } ?? ", it wrote nothing on its console"
            throw failure.error(of: "image '\(hardware.imageName)'", adding: written)
        } catch {
            await domain.removeFiles(of: id)
            throw error
        }
    }

    /// Why a guest's kernel panicked, or the last line that the guest has written, if it has written any.
    private func tellingConsoleLine(of id: MachineID) async -> String? {
        var offset: UInt64 = 0
        var ending: [UInt8] = []
        while let chunk = try? await domain.files.console(of: id, offset: offset, limit: 65_536), !chunk.bytes.isEmpty {
            ending = Array((ending + chunk.bytes).suffix(4096))
            offset = chunk.nextOffset
        }
        let lines = String(decoding: ending, as: UTF8.self).split(whereSeparator: \.isNewline)
        let texts = lines.map { line in
            line.filter { $0.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } }
        }
        let line = texts.last { $0.contains("Kernel panic") } ?? texts.last { !$0.allSatisfy(\.isWhitespace) }
        return line.map { String($0.prefix(200)) }
    }

    private func freezeBooted(_ machine: Machine, owner: Principal) async throws -> Commit {
        // Shared by every organisation: nobody's variables may be in it. The image's command runs in the VMs that start
        // from this state, and in each for the first time.
        let live = try await launcher.boot(machine, environment: [:], startsWorkload: false)
        let purpose = MachineFreezer.Purpose(kind: .boot, owner: owner, name: "boot-\(machine.hardware.imageName)")
        await domain.registry.beginUse(of: purpose.id)
        do {
            let session = try await live.session(deadline: .now + domain.configuration.bootDeadline)
            try await session.waitUntilSettled(deadline: .now + domain.configuration.bootDeadline)
            let commit = try await freezer.freeze(
                machine,
                live: live,
                purpose: purpose,
                leavePaused: true,
                steps: .commit
            )
            await end(live)
            try await CommitSealer(domain: domain).seal(commit)
            await domain.registry.endUse(of: purpose.id)
            return commit
        } catch {
            await end(live)
            await domain.registry.endUse(of: purpose.id)
            await LayerReclaimer(domain: domain).reclaimAfterFailure(of: purpose.id)
            throw error
        }
    }

    private func end(_ live: LiveMachine) async {
        await live.terminate()
        await domain.registry.forget(live.id)
    }
}
