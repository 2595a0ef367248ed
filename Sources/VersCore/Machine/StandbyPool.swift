import Logging
import SystemPackage
import VersAPI

/// What a process that waits for saved state must be started with.
struct MachineShape: Hashable, Sendable {
    var memoryMiB: Int
    var vcpuCount: Int
}

/// A process that waits for saved state, and the id of the VM that it will be.
struct Standby: Sendable {
    let id: MachineID
    let waiting: any WaitingMachine
    /// The name of its disk in the VM's directory, once it has both.
    var disk: String?
    /// Its place in a private network, which the process has got already.
    var network: MachineNetwork?
}

/// Processes that were started ahead of time, so that a new VM need not wait for the start of its own: that takes longer
/// than everything else of a branch.
///
/// A shape is kept ready from its first use until nobody has asked for it for a while. What waits belongs to this
/// daemon alone: it ends with it, and lies apart from VMs.
actor StandbyPool {
    /// How many a shape keeps ready, and how long.
    struct Policy: Sendable {
        var countPerShape: Int
        var lifetime: Duration
        /// Of the host's memory, so much must stay available.
        var reservedMemoryMiB: Int
    }

    private struct Shelf {
        var ready: [Standby] = []
        var lastUse = ContinuousClock.now
        var isFilling = false
        var isWatched = false
    }

    private let hypervisor: any Hypervisor
    private let files: any MachineFileStoring
    private let networks: any GuestNetworking
    private let host: any HostResources
    private let layout: InstanceLayout
    private let background: BackgroundWork
    private let policy: Policy
    private let logger: Logger
    private var shelves: [MachineShape: Shelf] = [:]
    private var isClosed = false

    init(
        hypervisor: any Hypervisor,
        files: any MachineFileStoring,
        networks: any GuestNetworking,
        host: any HostResources,
        layout: InstanceLayout,
        background: BackgroundWork,
        policy: Policy,
        logger: Logger
    ) {
        self.hypervisor = hypervisor
        self.files = files
        self.networks = networks
        self.host = host
        self.layout = layout
        self.background = background
        self.policy = policy
        self.logger = logger
    }

    /// At most `count` processes that are ready. The caller owns them from now on.
    func take(_ count: Int, of shape: MachineShape) -> [Standby] {
        var shelf = shelves[shape] ?? Shelf()
        // One that has ended meanwhile is reaped, and its directory removed, with the others that are left over.
        let (alive, ended) = shelf.ready.reduce(into: ([Standby](), [Standby]())) { lists, standby in
            if standby.waiting.isWaiting { lists.0.append(standby) } else { lists.1.append(standby) }
        }
        let taken = Array(alive.prefix(count))
        shelf.ready = Array(alive.dropFirst(taken.count))
        shelf.lastUse = .now
        shelves[shape] = shelf
        if !ended.isEmpty { background.start { await self.abandon(ended) } }
        return taken
    }

    /// Exactly `count` processes: those that are ready, and new ones. On failure none is left.
    func provide(_ count: Int, of shape: MachineShape) async throws -> [Standby] {
        let taken = take(count, of: shape)
        return try await start(count - taken.count, besides: taken) { _ in try await self.start(shape) }
    }

    /// A new process for every place in a private network. Nothing of the kind is kept ready: each is made for one VM.
    nonisolated func provide(_ places: [MachineNetwork], of shape: MachineShape) async throws -> [Standby] {
        try await start(places.count, besides: []) { try await self.start(shape, network: places[$0]) }
    }

    private nonisolated func start(
        _ count: Int,
        besides taken: [Standby],
        _ body: @escaping @Sendable (Int) async throws -> Standby
    ) async throws -> [Standby] {
        try await withThrowingTaskGroup(of: Standby.self) { group in
            for index in 0..<count { group.addTask { try await body(index) } }
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

    /// Has the shape be ready for whoever comes next. To be called when an operation is done, so that the start of new
    /// processes does not compete with it.
    nonisolated func replenish(_ shape: MachineShape) {
        guard policy.countPerShape > 0 else { return }
        background.start { await self.fill(shape) }
    }

    /// Ends processes and removes what they had. Also for a task that was cancelled.
    nonisolated func abandon(_ standbys: [Standby]) async {
        guard !standbys.isEmpty else { return }
        // A task of its own, awaited here: it does not inherit the cancellation of whoever cleans up.
        await Task {
            for standby in standbys {
                await standby.waiting.abandon()
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

    /// Starts what is missing, one after the other.
    func fill(_ shape: MachineShape) async {
        guard !isClosed, shelves[shape]?.isFilling != true else { return }
        shelves[shape, default: Shelf()].isFilling = true
        defer { shelves[shape]?.isFilling = false }
        do {
            while !isClosed, let shelf = shelves[shape], shelf.ready.count < policy.countPerShape {
                guard try await host.availableMemoryMiB() > policy.reservedMemoryMiB else { break }
                let standby = try await start(shape)
                guard !isClosed, shelves[shape] != nil else {
                    await abandon([standby])
                    return
                }
                shelves[shape]?.ready.append(standby)
            }
        } catch {
            logger.warning("no standby could be started", metadata: ["error": "\(error)"])
        }
        watch(shape)
    }

    /// Clears the shelf once nobody has asked for the shape for its lifetime.
    private func watch(_ shape: MachineShape) {
        guard let shelf = shelves[shape], !shelf.isWatched else { return }
        shelves[shape]?.isWatched = true
        background.start { await self.expire(shape) }
    }

    private func expire(_ shape: MachineShape) async {
        while let shelf = shelves[shape] {
            let end = shelf.lastUse + policy.lifetime
            guard end > .now else { break }
            // Ends with the daemon, which ends what waits.
            guard (try? await Task.sleep(until: end, clock: .continuous)) != nil else { return }
        }
        guard let left = shelves.removeValue(forKey: shape)?.ready else { return }
        await abandon(left)
    }

    private nonisolated func start(_ shape: MachineShape, network: MachineNetwork? = nil) async throws -> Standby {
        let id = MachineID()
        do {
            try await files.createStandby(id)
            let tap = try await network.asyncMap {
                try await networks.attach(NetworkAttachment(machineID: id, network: $0, names: [id.text]))
            }
            let configuration = WaitingConfiguration(
                machineID: id,
                directory: layout.standbyDirectory(of: id),
                memoryMiB: shape.memoryMiB,
                vcpuCount: shape.vcpuCount,
                tap: tap
            )
            return Standby(id: id, waiting: try await hypervisor.startWaiting(configuration), network: network)
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

extension Hardware {
    var shape: MachineShape { MachineShape(memoryMiB: memoryMiB, vcpuCount: vcpuCount) }
}
