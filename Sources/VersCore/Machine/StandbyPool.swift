import Logging
import SystemPackage
import VersAPI

/// Processes that were started ahead of time, so that a new VM need not wait for the start of its own: that takes longer
/// than everything else of a branch.
///
/// Under emulation they have rehearsed, see ``WaitingMachine/rehearse(_:disk:performance:)``.
///
/// A role is kept ready from its first use until nobody has asked for it for a while. What waits belongs to this
/// daemon alone: it ends with it, and lies apart from VMs.
actor StandbyPool {
    /// How many a role keeps ready, and how long.
    struct Policy: Sendable {
        var countPerRole: Int
        var lifetime: Duration
        /// Between the use of one and the start of the next, which takes a processor for some 200 ms.
        var delay: Duration
        /// Of the host's memory, so much must stay available.
        var reservedMemoryMiB: Int
    }

    private let hypervisor: any Hypervisor
    private let files: any MachineFileStoring
    private let networks: any GuestNetworking
    private let host: any HostResources
    private let layout: InstanceLayout
    private let background: BackgroundWork
    private let policy: Policy
    private let logger: Logger
    private let rehearsal: Rehearsal
    private var shelves: [StandbyRole: StandbyShelf] = [:]
    private var isClosed = false

    init(
        hypervisor: any Hypervisor,
        files: any MachineFileStoring,
        networks: any GuestNetworking,
        host: any HostResources,
        layout: InstanceLayout,
        background: BackgroundWork,
        policy: Policy,
        rehearsal: Rehearsal,
        logger: Logger
    ) {
        self.hypervisor = hypervisor
        self.files = files
        self.networks = networks
        self.host = host
        self.layout = layout
        self.background = background
        self.policy = policy
        self.rehearsal = rehearsal
        self.logger = logger
    }

    /// Whether nothing is being made ready.
    var isAtRest: Bool { !shelves.values.contains(where: \.isFilling) }

    /// At most `count` processes that are ready. The caller owns them from now on.
    func take(_ count: Int, as role: StandbyRole) -> [Standby] {
        var shelf = shelves[role] ?? StandbyShelf()
        let taken = shelf.take(count)
        // One that has ended meanwhile is reaped, and its directory removed, with the others that are left over.
        let ended = shelf.takeEnded()
        shelf.lastUse = .now
        shelves[role] = shelf
        if !ended.isEmpty { background.start { await self.abandon(ended) } }
        return taken
    }

    /// Exactly `count` processes: those that are ready, and new ones. On failure none is left.
    func provide(_ count: Int, as role: StandbyRole) async throws -> [Standby] {
        let taken = take(count, as: role)
        return try await withThrowingTaskGroup(of: Standby.self) { group in
            for _ in taken.count..<count { group.addTask { try await self.start(role) } }
            var standbys = taken
            do {
                for try await standby in group { standbys.append(standby) }
                return standbys
            } catch {
                // Not cancelled: what undoes a start would be cancelled with it, and a start is short.
                while let rest = await group.nextResult() {
                    if case .success(let standby) = rest { standbys.append(standby) }
                }
                await abandon(standbys)
                throw error
            }
        }
    }

    /// Has the role be ready for whoever comes next. To be called when an operation is done, so that the start of new
    /// processes does not compete with it, nor with what its caller does first.
    nonisolated func replenish(_ role: StandbyRole) {
        guard policy.countPerRole > 0 else { return }
        background.start { await self.fill(role) }
    }

    /// Ends processes and removes what they had. Also for a task that was cancelled.
    nonisolated func abandon(_ standbys: [Standby]) async {
        guard !standbys.isEmpty else { return }
        // A task of its own, awaited here: it does not inherit the cancellation of whoever cleans up.
        await Task {
            for standby in standbys {
                await standby.waiting.abandon()
                _ = await standby.joining?.result
                await removeFiles(of: standby.id, isEquipped: standby.disk != nil)
            }
        }.value
    }

    /// Ends everything that waits; nothing new is kept ready.
    func close() async {
        isClosed = true
        let left = shelves.values.flatMap(\.ready)
        shelves = [:]
        await abandon(left)
    }

    /// After a moment, starts what is missing, one after the other; then they rehearse, one after the other, so that another
    /// can be taken meanwhile, and is replaced in turn.
    func fill(_ role: StandbyRole) async {
        guard !isClosed, shelves[role]?.isFilling != true else { return }
        shelves[role, default: StandbyShelf()].isFilling = true
        defer { shelves[role]?.isFilling = false }
        // Not from the last use: who uses one after the other is to find some, too.
        guard (try? await Task.sleep(for: policy.delay)) != nil else { return }
        do {
            repeat { try await startMissing(role) } while try await rehearseNext(role)
            // In place of one that failed.
            try await startMissing(role)
        } catch {
            logger.warning("no standby could be started", metadata: ["error": "\(error)"])
        }
        watch(role)
    }

    private func startMissing(_ role: StandbyRole) async throws {
        while !isClosed, let shelf = shelves[role], shelf.ready.count < policy.countPerRole {
            guard try await host.availableMemoryMiB() > policy.reservedMemoryMiB else { break }
            await shelve(try await start(role), role)
        }
    }

    /// - Returns: whether there may be another to rehearse.
    private func rehearseNext(_ role: StandbyRole) async throws -> Bool {
        guard let bootCommit = role.bootCommit, try await rehearsal.isPossible(of: bootCommit),
            !isClosed, let standby = shelves[role]?.takeUnrehearsed()
        else { return false }
        do {
            try await rehearsal.perform(standby, of: bootCommit)
        } catch {
            await abandon([standby])
            shelves[role]?.rehearses = false
            logger.notice("no rehearsal", metadata: ["commit.id": "\(bootCommit)", "error": "\(error)"])
            return false
        }
        logger.debug("standby has rehearsed", metadata: ["vm.id": "\(standby.id)", "commit.id": "\(bootCommit)"])
        await shelve(standby, role)
        return true
    }

    private func shelve(_ standby: Standby, _ role: StandbyRole) async {
        if isClosed || shelves[role] == nil {
            await abandon([standby])
        } else {
            shelves[role]?.ready.append(standby)
        }
    }

    /// Clears the shelf once nobody has asked for the role for its lifetime.
    private func watch(_ role: StandbyRole) {
        guard let shelf = shelves[role], !shelf.isWatched else { return }
        shelves[role]?.isWatched = true
        background.start { await self.expire(role) }
    }

    private func expire(_ role: StandbyRole) async {
        while let shelf = shelves[role] {
            let end = shelf.lastUse + policy.lifetime
            guard end > .now else { break }
            // Ends with the daemon, which ends what waits.
            guard (try? await Task.sleep(until: end, clock: .continuous)) != nil else { return }
        }
        guard let left = shelves.removeValue(forKey: role)?.ready else { return }
        await abandon(left)
    }

    private nonisolated func start(_ role: StandbyRole) async throws -> Standby {
        let id = MachineID()
        do {
            try await files.createStandby(id)
            let tap = role.isBridged ? try await networks.prepare(id) : nil
            let configuration = role.shape.configuration(of: id, in: layout.standbyDirectory(of: id), tap: tap)
            return Standby(id: id, waiting: try await hypervisor.startWaiting(configuration))
        } catch {
            await Task { await removeFiles(of: id, isEquipped: false) }.value
            throw error
        }
    }

    private nonisolated func removeFiles(of id: MachineID, isEquipped: Bool) async {
        await networks.detach(id)
        do {
            if isEquipped { try await files.remove(id) } else { try await files.removeStandby(id) }
        } catch {
            logger.warning("standby directory could not be removed", metadata: ["vm.id": "\(id)", "error": "\(error)"])
        }
    }
}
