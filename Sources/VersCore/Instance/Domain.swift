public import Logging
import SystemPackage
import VersAPI

/// What the services share: the seams' implementations and the state of the instance.
public struct Domain: Sendable {
    public let hypervisor: any Hypervisor
    public let guests: any GuestConnector
    public let metadata: any MetadataStoring
    public let accounts: any AccountStoring
    public let names: any NameStoring
    public let commits: any CommitStoring
    public let files: any MachineFileStoring
    public let images: any ImageStoring
    public let importedImages: any ImportedImageRecording
    public let host: any HostResources
    public let keys: any KeyMaterialProviding
    public let networks: any GuestNetworking
    public let layout: InstanceLayout
    public let configuration: DomainConfiguration
    public let background: BackgroundWork
    public let steps: StepObserver
    public let logger: Logger
    let registry = MachineRegistry()
    let standbys: StandbyPool
    let addresses: AddressBook
    let imageUses = ImageUses()
    let traffic: TrafficLedger

    /// What organisations are called.
    var organisations: OrganisationNaming { OrganisationNaming(accounts: accounts) }

    /// Refuses to make anything new on a disk that is nearly full.
    func ensureDiskSpace() async throws {
        let available = try await host.availableDiskMiB()
        guard available >= configuration.reservedDiskMiB else {
            throw VersError(
                .resourceExhausted,
                "\(available) MiB are free below \(layout.home), at least "
                    + "\(configuration.reservedDiskMiB) MiB are needed",
                hint: "delete VMs or commits that you no longer need: vers status, vers commit list"
            )
        }
    }

    /// Removes a VM's directory and its place in a network, also for a task that was cancelled. What cannot be removed now is found again at the
    /// next start.
    func removeFiles(of id: MachineID) async {
        // A task of its own, awaited here: it does not inherit the cancellation of whoever cleans up.
        await Task {
            await networks.detach(id)
            do {
                try await files.remove(id)
            } catch {
                logger.warning("vm directory could not be removed", metadata: ["vm.id": "\(id)", "error": "\(error)"])
            }
        }.value
    }

    public init(
        hypervisor: any Hypervisor,
        guests: any GuestConnector,
        metadata: any MetadataStoring,
        accounts: any AccountStoring,
        names: any NameStoring,
        commits: any CommitStoring,
        files: any MachineFileStoring,
        images: any ImageStoring,
        importedImages: any ImportedImageRecording,
        host: any HostResources,
        keys: any KeyMaterialProviding,
        networks: any GuestNetworking = NoGuestNetworking(),
        layout: InstanceLayout,
        configuration: DomainConfiguration,
        background: BackgroundWork,
        steps: StepObserver,
        logger: Logger
    ) {
        self.hypervisor = hypervisor
        self.guests = guests
        self.metadata = metadata
        self.accounts = accounts
        self.names = names
        self.commits = commits
        self.files = files
        self.images = images
        self.importedImages = importedImages
        self.host = host
        self.keys = keys
        self.networks = networks
        self.layout = layout
        self.configuration = configuration
        self.background = background
        self.steps = steps
        self.logger = logger
        addresses = AddressBook(metadata: metadata, addresses: networks.addresses)
        traffic = TrafficLedger(idleTime: configuration.idleTime)
        standbys = StandbyPool(
            hypervisor: hypervisor,
            files: files,
            networks: networks,
            host: host,
            layout: layout,
            background: background,
            policy: StandbyPool.Policy(
                countPerRole: configuration.standbyCount,
                lifetime: configuration.standbyLifetime,
                delay: configuration.standbyDelay,
                reservedMemoryMiB: configuration.reservedMemoryMiB + configuration.expectedMachineMemoryMiB
            ),
            rehearsal: Rehearsal(
                hypervisor: hypervisor,
                guests: guests,
                metadata: metadata,
                images: images,
                keys: keys,
                layout: layout,
                timeout: configuration.restoreDeadline
            ),
            logger: logger
        )
    }
}

/// Limits and deadlines, each with its default.
public struct DomainConfiguration: Sendable {
    /// Public names are `{vm-id}.vm.<domain>`.
    public var domain = "vers.localhost"
    /// Until the agent of a cold boot answers. Debian with systemd takes 10 to 20 s under software emulation on an
    /// idle host, several times that on a loaded one.
    public var bootDeadline: Duration = .seconds(180)
    /// Until a VM's state is loaded, or it runs on, and its agent answers.
    public var restoreDeadline: Duration = .seconds(60)
    /// Until the agent of a VM that runs answers a new connection: a moment, unless it hangs or its host is overloaded.
    public var agentDeadline: Duration = .seconds(12)
    /// Until a guest that was asked to power off has; it is ended then.
    public var shutdownDeadline: Duration = .seconds(30)
    /// How many new VMs of one call are started at once.
    public var startConcurrency = 4
    /// Disk layers above the image at which a VM's chain is flattened in the background: reads take 1.5 times as
    /// long at 10 layers and 2.9 times at 30 (measured).
    public var flattenAtDiskLayers = 16
    /// Disk layers at which a freeze waits for the flattening.
    public var maximumDiskLayers = 32
    /// Memory layers at which a freeze merges all but the first, so that a chain starts anew from there. Every extent of
    /// every layer is a mapping, of which Linux allows 65,530 a process.
    public var maximumMemoryLayers = 24
    /// How many processes wait for a VM to become, for each size and image of VM that was asked for lately. Each has about
    /// 25 MiB of its own, and 25 more of translated code once it has rehearsed.
    public var standbyCount = 2
    /// How long they wait after the last VM of their size.
    public var standbyLifetime: Duration = .seconds(600)
    /// How long after its use a standby is replaced: the first commands of the new VM are worth more than the next VM.
    public var standbyDelay: Duration = .milliseconds(50)
    /// After how long without connections a VM rests again that a connection has woken, if nothing else is said of it.
    public var idleTime: Duration = .seconds(300)
    /// Memory of the host that no new VM may touch.
    public var reservedMemoryMiB = 512
    /// What a restored VM is expected to touch soon.
    public var expectedMachineMemoryMiB = 64
    /// Free space under which nothing new is created.
    public var reservedDiskMiB = 256
    public static let idleTimeoutSecondsRange = 1...31_536_000
    /// With less than 112 MiB the kernel does not find room for the initramfs, and the guest reboots (Linux 6.1).
    public static let memoryMiBRange = 128...1_048_576
    public static let vcpuCountRange = 1...64
    public static let diskMiBRange = 1...16_777_216
    public static let maximumChildren = 1000

    public init() {}
}
