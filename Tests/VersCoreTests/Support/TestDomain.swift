import Foundation
import InstanceStore
import KeyMaterial
import Logging
import MetadataStore
import Synchronization
import SystemPackage
import TestSupport
import VersAPI

@testable import VersCore

/// The services over a real database and a real commit store in a temporary directory, with a scripted hypervisor.
struct TestDomain {
    let domain: Domain
    let machines: MachineService
    let commits: CommitService
    let keys: KeyService
    let accounts: AccountService
    let hypervisor: ScriptedHypervisor
    let guests: ScriptedGuests
    let host: ScriptedHost
    let steps: StepRecorder
    let owner = KeyID()

    var layout: InstanceLayout { domain.layout }

    /// Runs `body` with a domain of its own and leaves nothing behind.
    static func run(
        maximumMemoryLayers: Int? = nil,
        standbyCount: Int = 0,
        idleTime: Duration = .seconds(300),
        registration: RegistrationPolicy = .closed,
        networks: any GuestNetworking = NoGuestNetworking(),
        _ body: (TestDomain) async throws -> Void
    ) async throws {
        let home = fastDirectory.appending("vers-core-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: home.string) }
        var configuration = DomainConfiguration()
        configuration.standbyCount = standbyCount
        configuration.idleTime = idleTime
        if let maximumMemoryLayers { configuration.maximumMemoryLayers = maximumMemoryLayers }
        let test = try TestDomain(
            home: home,
            configuration: configuration,
            registration: registration,
            networks: networks
        )
        let background = test.domain.background
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await background.run() }
            defer { group.cancelAll() }
            try await body(test)
        }
    }

    private init(
        home: FilePath,
        configuration: DomainConfiguration,
        registration: RegistrationPolicy,
        networks: any GuestNetworking
    ) throws {
        let layout = InstanceLayout(home: home)
        for directory in [layout.commits, layout.machines, layout.standbys, layout.images] {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }
        try Self.installImage(in: layout)
        hypervisor = ScriptedHypervisor()
        guests = ScriptedGuests(hypervisor: hypervisor)
        host = ScriptedHost()
        let recorder = StepRecorder()
        steps = recorder
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let metadata = try SQLiteMetadataStore(path: layout.database)
        domain = Domain(
            hypervisor: hypervisor,
            guests: guests,
            metadata: metadata,
            accounts: metadata,
            names: metadata,
            commits: FileCommitStore(layout: layout),
            files: MachineDirectories(layout: layout),
            images: ImageDirectory(layout: layout),
            importedImages: metadata,
            host: host,
            keys: SystemKeyMaterial(),
            networks: networks,
            layout: layout,
            configuration: configuration,
            background: BackgroundWork(),
            steps: StepObserver { recorder.record($0) },
            logger: logger
        )
        machines = MachineService(domain: domain)
        commits = CommitService(domain: domain)
        keys = KeyService(domain: domain)
        accounts = AccountService(domain: domain, keys: keys, registration: registration)
    }

    private static func installImage(in layout: InstanceLayout) throws {
        let directory = layout.images.appending("default/b1")
        let files = FileManager.default
        try files.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let manifest = """
            {"format":1,"name":"default","build_id":"b1","kernel":"kernel","initramfs":"initramfs","disk":"root.raw",
             "disk_format":"raw","disk_size_mib":64}
            """
        try manifest.write(toFile: directory.appending("manifest.json").string, atomically: true, encoding: .utf8)
        try "raw".write(toFile: directory.appending("root.raw").string, atomically: true, encoding: .utf8)
        try files.createSymbolicLink(
            atPath: layout.images.appending("default/current").string,
            withDestinationPath: "b1"
        )
    }

    // MARK: Looking at the instance

    func create() async throws -> MachineID {
        try await machines.create(MachineConfiguration(mem_size_mib: 128), owner: owner, waitForBoot: true)
    }

    func branch(_ id: MachineID, count: Int = 1, options: FreezeOptions = FreezeOptions()) async throws -> [MachineID] {
        try await machines.branch(.machine(id), count: count, options: options, owner: owner)
    }

    func commit(_ id: MachineID, _ request: CommitRequest = CommitRequest()) async throws -> CommitID {
        try await machines.commit(id, request: request, options: FreezeOptions(), owner: owner)
    }

    /// The commits that have a directory.
    func commitDirectories() throws -> Set<CommitID> {
        Set(try FileManager.default.contentsOfDirectory(atPath: layout.commits.string).compactMap(CommitID.init))
    }

    /// The VMs that have a directory.
    func machineDirectories() throws -> Set<MachineID> {
        Set(try FileManager.default.contentsOfDirectory(atPath: layout.machines.string).compactMap(MachineID.init))
    }

    func record(_ id: MachineID) async throws -> Machine? { try await domain.metadata.machine(id) }

    /// Waits until the record of a VM is as `condition` wants it; a minute at most.
    func waitUntil(_ id: MachineID, _ condition: @escaping @Sendable (Machine) -> Bool) async throws {
        let metadata = domain.metadata
        try await withDeadline(.seconds(60), "the record of vm \(id)") {
            while true {
                if let machine = try await metadata.machine(id), condition(machine) { return }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }
}

/// A host with as much as a test wants it to have.
final class ScriptedHost: HostResources {
    private let state = Mutex((available: 8192, total: 8192, disk: 8192))

    func set(available: Int? = nil, total: Int? = nil, disk: Int? = nil) {
        state.withLock { state in
            if let available { state.available = available }
            if let total { state.total = total }
            if let disk { state.disk = disk }
        }
    }

    func availableMemoryMiB() async throws -> Int { state.withLock { $0.available } }
    func totalMemoryMiB() async throws -> Int { state.withLock { $0.total } }
    func availableDiskMiB() async throws -> Int { state.withLock { $0.disk } }
    func processorCount() -> Int { 2 }
}

/// Notes the steps that operations pass.
final class StepRecorder: Sendable {
    private let steps = Mutex<[OperationStep]>([])

    var all: [OperationStep] { steps.withLock { $0 } }

    func record(_ step: OperationStep) { steps.withLock { $0.append(step) } }
}
