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

            EXAMPLES
              vers run
              vers run -N web --mem-size 2048 --vcpu-count 2
              vers run --format json
            """
    )

    @OptionGroup var machine: MachineOptions
    @Option(name: [.customShort("N"), .customLong("vm-alias"), .customLong("alias")], help: "A name for the VM.")
    var alias: String?
    @Flag(
        name: .customLong("private"),
        help: "Let only who has a link or a key connect to its ports: see 'vers expose'."
    )
    var isPrivate = false
    @Flag(name: .long, help: "Wait until the VM is running; that is what happens without it, too.")
    var wait = false
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
    }

    func run() async throws {
        let context = common.context
        var requested = try machine.configuration(over: ProjectFile.read(context), context: context)
        if isPrivate { requested.is_private = true }
        let configuration = requested
        try await context.withSession { session in
            let id = try await context.progress("starting a VM") {
                try await session.client.createMachine(configuration, waitForBoot: true)
            }
            if let alias { try AliasFile(context).set(alias, to: id) }
            try HeadFile(context).write(id)
            try Rendering(json: Result(vm_id: id, alias: alias, head: id), ids: [id.text]) {
                let name = alias.map { "\nAlias: \($0)" } ?? ""
                return "VM '\(id)' started successfully.\(name)\nHEAD is now \(id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}

/// What a new root VM should be. Shared by `run` and `init`.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .customLong("mem-size"),
        parsing: .unconditional,
        help: ArgumentHelp("Memory in MiB.", valueName: "mib")
    )
    var memoryMiB: Int?
    @Option(
        name: .customLong("vcpu-count"),
        parsing: .unconditional,
        help: ArgumentHelp("Number of virtual CPUs.", valueName: "n")
    )
    var vcpuCount: Int?
    @Option(
        name: [.customLong("fs-size-vm"), .customLong("fs-size-vm-mib")],
        parsing: .unconditional,
        help: ArgumentHelp("Size of the disk in MiB.", valueName: "mib")
    )
    var diskMiB: Int?
    @Option(name: .customLong("rootfs"), help: ArgumentHelp("Image to start from.", valueName: "name"))
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
