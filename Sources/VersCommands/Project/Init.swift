import ArgumentParser
internal import SystemPackage
import TerminalUI
import VersAPI

/// `vers init`.
struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prepare this directory: .vers, vers.toml and .gitignore.",
        discussion: """
            vers.toml says what 'vers run' starts here:

              [machine]
              mem_size_mib = 512
              vcpu_count = 1
              fs_size_vm_mib = 1024

              [rootfs]
              name = "default"

            Files that exist are kept, HEAD included.

            EXAMPLES
              vers init
              vers init --mem-size 2048 --fs-size-vm 8192
            """
    )

    @Option(name: .shortAndLong, help: "Accepted for compatibility; nothing uses it.")
    var name: String?
    @OptionGroup var machine: MachineOptions
    @OptionGroup var common: CommonOptions

    func validate() throws { try machine.check() }

    func run() async throws {
        let context = common.context
        let directory = context.workingPath
        try create(directory.appending(".vers/HEAD"), "")
        try create(directory.appending(".vers/config"), "[vers]\nversion = 1\n")
        let file = machine.configuration(over: nil, context: context)
        let isNew = try create(directory.appending(ProjectFile.name), Self.projectFile(file))
        context.print(isNew ? "Created vers.toml" : "vers.toml exists already; kept")
        try create(directory.appending(".gitignore"), ".env\n.vers/\n")
        context.print("Initialized vers in \(directory.appending(".vers"))")
    }

    /// - Returns: false when the file was there, and is kept.
    @discardableResult
    private func create(_ path: FilePath, _ text: String) throws -> Bool {
        guard try UserFile.read(path) == nil else { return false }
        try UserFile.replace(path, with: text)
        return true
    }

    static func projectFile(_ configuration: MachineConfiguration) -> String {
        """
        [machine]
        mem_size_mib = \(configuration.mem_size_mib ?? MachineConfiguration.defaultMemoryMiB)
        vcpu_count = \(configuration.vcpu_count ?? MachineConfiguration.defaultVCPUCount)
        fs_size_vm_mib = \(configuration.fs_size_mib ?? MachineConfiguration.defaultDiskMiB)

        [rootfs]
        name = \(quoted(configuration.image_name ?? MachineConfiguration.defaultImageName))

        [kernel]
        name = \(quoted(configuration.kernel_name ?? MachineConfiguration.defaultKernelName))

        """
    }

    private static func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").withoutControlCharacters)\""
    }
}
