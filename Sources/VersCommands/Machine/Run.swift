import ArgumentParser
import VersAPI
import VersClient

/// `vers run`: a new root VM.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a new root VM and make it HEAD.",
        discussion: """
            What an option does not say comes from vers.toml, then from the defaults: 512 MiB of memory, 1 vCPU, a \
            disk of 1024 MiB, the image 'default'. Returns when the VM is running and answers.

            The first run with an image and a size takes up to a minute: the image is booted once and its booted \
            state kept, from which every later run starts in a fraction of a second.

            --env sets variables for everything that is started in the VM, and in VMs that are branched from it: its \
            image's command, 'vers execute', shells. They go over those of 'vers env'.

            EXAMPLES
              vers run
              vers run -N web --mem-size 2048 --vcpu-count 2
              vers run --detach --name api --env TOKEN --env MODE=test app
              vers run --network bridge --allow deb.debian.org:80 --allow 192.0.2.0/24
              vers run --wake-on-traffic --idle-timeout 10m
              vers run --format json
            """
    )

    @Argument(help: "Image to start from: the same as --rootfs.", completion: .images)
    var image: String?
    @OptionGroup var machine: MachineOptions
    @OptionGroup var network: NetworkOptions
    @Option(
        name: [.customShort("N"), .customLong("vm-alias"), .customLong("alias"), .customLong("name")],
        help: "A name for the VM."
    )
    var alias: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Set a variable, or pass on our own; may be repeated.", valueName: "key[=value]")
    )
    var env: [String] = []
    @Flag(
        name: .customLong("private"),
        help: "Let only who has a link or a key connect to its ports: see 'vers expose'."
    )
    var isPrivate = false
    @Flag(name: .long, help: "Let connections wake the VM when it is paused or asleep.")
    var wakeOnTraffic = false
    @OptionGroup var idleTimeout: IdleTimeoutOptions
    @Flag(name: .long, help: "Wait until the VM is running; that is what happens without it, too.")
    var wait = false
    @Flag(name: .shortAndLong, help: "Return as soon as the VM is recorded, and let it start.")
    var detach = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var alias: String?
        var head: MachineID
    }

    func validate() throws {
        try alias.map(AliasName.validate)
        try machine.check()
        try network.check()
        try idleTimeout.check(wakesOnTraffic: wakeOnTraffic)
        guard !(wait && detach) else { throw ValidationError("--wait and --detach exclude each other") }
        guard image == nil || machine.imageName == nil else {
            throw ValidationError("the image is named twice: '\(image ?? "")' and --rootfs")
        }
    }

    func run() async throws {
        let context = common.context
        let file = try ProjectFile.read(context)
        var configuration = machine.configuration(over: file, context: context)
        if let image { configuration.image_name = image }
        if !env.isEmpty { configuration.env = try EnvironmentArgument.parse(env, own: context.environment) }
        configuration.network = network.configuration(over: file)
        if let alias, configuration.network?.mode == .bridge, NetworkName.isValid(alias) {
            configuration.labels = [NetworkName.label: alias]
        }
        if isPrivate { configuration.is_private = true }
        if wakeOnTraffic { configuration.wake_on_traffic = true }
        configuration.idle_timeout_secs = idleTimeout.seconds
        try await context.withSession { [configuration] session in
            let id = try await context.serverWork("starting a VM") {
                try await session.client.createMachine(configuration, waitForBoot: !detach)
            }
            try await context.afterMaking([id]) {
                if let alias { try context.setAlias(alias, to: id) }
                try HeadFile(context).write(id)
            }
            try Rendering(json: Result(vm_id: id, alias: alias, head: id), ids: [id.text]) {
                let name = alias.map { "\nAlias: \($0)" } ?? ""
                let start = detach ? "VM '\(id)' is starting." : "VM '\(id)' started successfully."
                return "\(start)\(name)\nHEAD is now \(id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}

/// What a new root VM should be. Shared by `run` and `init`.
struct MachineOptions: ParsableArguments {
    @Option(
        name: [.customLong("mem-size"), .customLong("memory-mib")],
        parsing: .unconditional,
        help: ArgumentHelp("Memory in MiB.", valueName: "mib")
    )
    var memoryMiB: Int?
    @Option(
        name: [.customLong("vcpu-count"), .customLong("cpus")],
        parsing: .unconditional,
        help: ArgumentHelp("Number of virtual CPUs.", valueName: "n")
    )
    var vcpuCount: Int?
    @Option(
        name: [.customLong("fs-size-vm"), .customLong("fs-size-vm-mib"), .customLong("disk-mib")],
        parsing: .unconditional,
        help: ArgumentHelp("Size of the disk in MiB.", valueName: "mib")
    )
    var diskMiB: Int?
    @Option(
        name: .customLong("rootfs"),
        help: ArgumentHelp("Image to start from.", valueName: "name"),
        completion: .images
    )
    var imageName: String?
    @Option(name: .customLong("kernel"), help: ArgumentHelp("Kernel of the image.", valueName: "name"))
    var kernelName: String?

    /// - Throws: `.invalidArgument` naming the option. 0 is allowed and means "not given", as in the public tool.
    func check() throws {
        for (name, value) in [("--mem-size", memoryMiB), ("--vcpu-count", vcpuCount), ("--fs-size-vm", diskMiB)] {
            guard let value, value < 0 else { continue }
            throw VersError(.invalidArgument, "invalid \(name) '\(value)': expected a number above 0")
        }
    }

    /// Options win over the file; the server's defaults are spelled out, where they are the same for every image.
    func configuration(over file: ProjectFile?, context: CommandContext) -> MachineConfiguration {
        if file == nil { context.debug("no vers.toml here: using the defaults") }
        return MachineConfiguration(
            mem_size_mib: given(memoryMiB) ?? file?.memoryMiB ?? MachineConfiguration.defaultMemoryMiB,
            vcpu_count: given(vcpuCount) ?? file?.vcpuCount ?? MachineConfiguration.defaultVCPUCount,
            // The server knows how large the image is.
            fs_size_mib: given(diskMiB) ?? file?.diskMiB,
            image_name: imageName ?? file?.imageName ?? MachineConfiguration.defaultImageName,
            kernel_name: kernelName ?? file?.kernelName ?? MachineConfiguration.defaultKernelName
        )
    }

    private func given(_ value: Int?) -> Int? { value == 0 ? nil : value }
}
