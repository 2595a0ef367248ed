import ArgumentParser
import VersAPI
import VersClient

/// `vers resize`: a larger disk.
struct Resize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Grow a VM's disk and the filesystem on it, while it runs.",
        discussion: """
            Disks grow and never shrink.

            EXAMPLES
              vers resize --size 4096
              vers resize web --size 20480
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("The new size in MiB.", valueName: "mib"))
    var size: Int
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var fs_size_mib: Int
    }

    func validate() throws {
        guard size > 0 else {
            throw VersError(.invalidArgument, "invalid --size '\(size)': expected a number above 0, in MiB")
        }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let name = session.name(of: id)
            try await context.serverWork("growing the disk of \(name)") {
                try await session.client.resizeDisk(of: id, toMiB: size)
            }
            try Rendering(json: Result(vm_id: id, fs_size_mib: size)) {
                "\u{2713} Disk of VM '\(name)' resized to \(size) MiB"
            }.write(to: context, format: format.format)
        }
    }
}
