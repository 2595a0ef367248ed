import Foundation
import FrontDoor
import Glibc
import GuestConnection
import HostNetwork
import HostSystem
import InstanceStore
import KeyMaterial
import Logging
import MetadataStore
import QEMU
import ServiceLifecycle
import SystemPackage
import UnixSignals
import VersAPI
import VersCore
import VersServer

/// Joins the domain with the implementations of its seams, and runs everything until a signal ends it.
struct Composition {
    let instance: Instance
    let listen: ListenAddress
    let accelerator: AcceleratorPreference
    let memory: MemoryPreference
    let confinement: ConfinementPreference?
    let standbyCount: Int
    let registration: RegistrationPolicy
    let guestNetwork: IPv4Network
    let resolvers: [IPv4Address]
    let frontDoor: FrontDoorConfiguration
    let idleTime: Duration
    let readyDescriptor: Int32?
    let logger: Logger

    func run() async throws {
        let layout = instance.layout
        let metadata = try SQLiteMetadataStore(path: layout.database)
        let background = BackgroundWork()
        let hypervisor = try await makeHypervisor()
        let domain = makeDomain(hypervisor: hypervisor, metadata: metadata, background: background)
        let machines = MachineService(domain: domain)
        let keys = KeyService(domain: domain)
        try await instance.ensureOwnerKey(keys)
        logOpening(hypervisor)
        try await Recovery(domain: domain, machines: machines).run(hostRebooted: instance.hostRebooted)
        try instance.noteBoot()
        let imageFiles = ImportedImageDirectory(layout: layout)
        let imports = ImageImports(
            domain: domain,
            files: imageFiles,
            builder: ImageBuilderProcess(executable: Self.companion("vers-image"), logger: logger)
        )
        try await imports.recover()
        let door = makeFrontDoor(domain: domain, machines: machines, keys: keys)
        let server = APIServer(
            configuration: APIServerConfiguration(host: listen.host, port: listen.port, unixSocket: layout.socket),
            machines: machines,
            commits: CommitService(domain: domain),
            images: ImageService(domain: domain, files: imageFiles, imports: imports),
            accounts: AccountService(domain: domain, keys: keys, registration: registration),
            names: makeNames(domain: domain, machines: machines),
            frontDoor: door,
            exposure: machines,
            keys: keys,
            idempotency: IdempotencyService(store: metadata, keys: domain.keys, logger: logger),
            system: Version.response,
            logger: logger,
            onListening: { endpoints in await announce(endpoints) }
        )
        defer { unlink(layout.daemonDescription.string) }
        try await serve([
            background,
            LogTrimming(logs: MachineLogs(layout: layout), logger: logger),
            imports,
            IdleRest(domain: domain, machines: machines),
            MachineReleaseService(domain: domain),
            door,
            server,
        ])
        try metadata.close()
    }

    /// Runs the services until a signal or a failure ends them, in the opposite order. The failure is all that is said of it:
    /// the others shut down as they always do.
    private func serve(_ services: [any Service]) async throws {
        let configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        try await ServiceGroup(configuration: configuration).run()
    }

    private func logOpening(_ hypervisor: QEMUHypervisor) {
        logger.info(
            "instance opened",
            metadata: [
                "instance.home": "\(instance.layout.home)",
                "hypervisor.version": "\(hypervisor.compatibility.version)",
                "accelerator.name": "\(hypervisor.accelerator.name)",
                "accelerator.reason": "\(hypervisor.accelerator.reason)",
                "memory.mode": "\(hypervisor.memoryMode.rawValue)",
            ]
        )
    }

    // MARK: Parts

    private func makeHypervisor() async throws -> QEMUHypervisor {
        try await QEMUHypervisor(
            configuration: QEMUConfiguration(
                memoryLibrary: Self.companion("libramlayers.so"),
                memory: memory,
                accelerator: accelerator,
                confinement: confinement
            ),
            logger: logger
        )
    }

    private func makeDomain(
        hypervisor: QEMUHypervisor,
        metadata: SQLiteMetadataStore,
        background: BackgroundWork
    ) -> Domain {
        let layout = instance.layout
        var configuration = DomainConfiguration()
        configuration.standbyCount = standbyCount
        configuration.domain = frontDoor.domain
        configuration.idleTime = idleTime
        return Domain(
            hypervisor: hypervisor,
            guests: AgentConnector(logger: logger),
            metadata: metadata,
            accounts: metadata,
            names: metadata,
            commits: FileCommitStore(layout: layout),
            files: MachineDirectories(layout: layout),
            images: ImageDirectory(layout: layout),
            importedImages: metadata,
            host: LinuxHostResources(layout: layout),
            keys: SystemKeyMaterial(),
            networks: HostNetwork(
                configuration: HostNetwork.Configuration(home: layout.home, block: guestNetwork, resolvers: resolvers),
                logger: logger
            ),
            layout: layout,
            configuration: configuration,
            background: background,
            steps: Faults.observer(logger: logger),
            logger: logger
        )
    }

    private func makeNames(domain: Domain, machines: MachineService) -> NameOperations {
        NameOperations(
            tags: TagService(domain: domain),
            repositories: RepositoryService(domain: domain, machines: machines),
            labels: machines,
            environment: EnvironmentService(domain: domain),
            domainNames: DomainNameService(domain: domain)
        )
    }

    private func makeFrontDoor(domain: Domain, machines: MachineService, keys: KeyService) -> FrontDoor {
        let layout = instance.layout
        return FrontDoor(
            configuration: frontDoor,
            domain: FrontDoorAccess(
                machines: machines,
                domainNames: DomainNameService(domain: domain),
                keys: keys
            ),
            files: FrontDoor.Files(
                authority: layout.certificateAuthority,
                port: layout.frontDoorPort,
                secret: layout.frontDoorSecret
            ),
            logger: logger
        )
    }

    // MARK: Surroundings

    /// What belongs to the daemon lies beside it after `make build`, in `lib/vers` after `make install`.
    private static func companion(_ name: String) -> FilePath {
        guard let executable = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return FilePath(name) }
        let directory = FilePath(executable.deletingLastPathComponent().path(percentEncoded: false))
        let installed = directory.removingLastComponent().appending("lib/vers").appending(name)
        let built = directory.appending(name)
        return access(built.string, R_OK) == 0 ? built : installed
    }

    /// Says where the API is: to `vers` by a file, to whoever started the daemon by a descriptor.
    private func announce(_ endpoints: APIServer.Endpoints) async {
        let description = DaemonDescription(
            pid: getpid(),
            url: endpoints.url,
            socket: instance.layout.socket.string,
            version: Version.current
        )
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try await DurableFile.write(
                Array(try encoder.encode(description)),
                to: instance.layout.daemonDescription
            )
        } catch {
            logger.error("daemon.json could not be written", metadata: ["error": "\(error)"])
        }
        logger.info("listening", metadata: ["api.url": "\(endpoints.url)", "api.socket": "\(instance.layout.socket)"])
        guard let readyDescriptor else { return }
        let message = Array("ready\n".utf8)
        _ = message.withUnsafeBytes { write(readyDescriptor, $0.baseAddress, $0.count) }
        close(readyDescriptor)
    }
}

/// The first to be told of a shutdown is the last to act: VMs are let go of once nothing uses them any more.
private struct MachineReleaseService: Service {
    let domain: Domain

    func run() async throws {
        try await gracefulShutdown()
        await MachineRelease(domain: domain).run()
    }
}
