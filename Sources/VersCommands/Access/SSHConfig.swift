import ArgumentParser
import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// `vers ssh-config`: lets plain `ssh`, and everything that uses it, enter VMs.
struct SSHConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-config",
        abstract: "Print a configuration for OpenSSH: 'ssh <alias>', scp, rsync, editors and Ansible.",
        discussion: """
            A block for each VM, under its aliases and its id: the way in, the VM's own key, and the key that its \
            server must show. Without a VM, of all VMs. --write keeps them in ~/.ssh/vers.config, which \
            ~/.ssh/config then includes; run it again when there are new VMs.

            EXAMPLES
              vers ssh-config --write && ssh web
              vers ssh-config web > ssh.config && rsync -e 'ssh -F ssh.config' -a ./site/ web:/srv/
            """
    )

    @Argument(help: "VMs: alias, id or the first characters of it; all when absent.", completion: .machines)
    var vms: [String] = []
    @Flag(name: .long, help: "Write ~/.ssh/vers.config and include it in ~/.ssh/config.")
    var write = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let text = try await context.withSession { session in try await blocks(session) }
        guard write else {
            context.output.write(text)
            return
        }
        let file = SSHConfigFile(context)
        try file.replace(with: text)
        context.note("Wrote \(file.path)")
        if try file.include() { context.note("\(file.mainPath) includes it now") }
        if !file.isRead { context.note("OpenSSH does not look below HOME: use it as ssh -F \(file.mainPath)") }
    }

    private func blocks(_ session: Session) async throws -> String {
        let context = session.context
        let machines =
            vms.isEmpty
            ? try await session.client.machines().map(\.vm_id) : try await session.resolver.machines(vms)
        let names = try AliasFile(context).namesByMachine()
        let variables = try Self.variables(context)
        var blocks: [String] = []
        for machine in machines {
            let files = try await SSHKeyFiles(context).prepare(machine, client: session.client)
            let options = try SSHOptions(machine: machine, files: files, context: context, setting: variables)
            blocks.append(options.block(names: (names[machine] ?? []) + [machine.text]))
        }
        return blocks.joined(separator: "\n")
    }

    /// Which instance the VMs are of. Its key is never written down: the proxy finds it as every command does.
    private static func variables(_ context: CommandContext) throws -> [String: String] {
        let environment = try DotEnv.environment(of: context)
        if let url = environment["VERS_URL"], !url.isEmpty { return ["VERS_URL": url] }
        return ["VERS_HOME": InstanceHome(context, environment: environment).path.string]
    }
}

/// `~/.ssh/vers.config`, and the line that includes it.
struct SSHConfigFile {
    let path: FilePath
    let mainPath: FilePath
    /// Whether OpenSSH finds it by itself: it goes by the account's home, and not by `HOME`.
    let isRead: Bool

    init(_ context: CommandContext, accountHome: String? = Self.accountHome) {
        let directory = context.homePath.appending(".ssh")
        path = directory.appending("vers.config")
        mainPath = directory.appending("config")
        isRead = accountHome == context.home
    }

    private static var accountHome: String? {
        // Entries are longer only where somebody means harm; then the file is named by its full path.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard let start = buffer.baseAddress,
                getpwuid_r(getuid(), &entry, start, buffer.count, &found) == 0, found != nil,
                let home = entry.pw_dir
            else { return nil }
            return String(cString: home)
        }
    }

    private var includeLine: String { isRead ? "Include vers.config" : "Include \"\(path)\"" }

    func replace(with text: String) throws {
        let directory = path.removingLastComponent().string
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw VersError(.internal, "cannot make directory \(directory): \(Errno(rawValue: errno))")
        }
        let head = "# Written by 'vers ssh-config --write', which replaces it.\n\n"
        try UserFile.replace(path, with: head + text, mode: .ownerReadWrite)
    }

    /// Puts the line in front of everything else: behind a `Host` it would hold for that host only.
    /// - Returns: whether it was missing.
    func include() throws -> Bool {
        let text = try UserFile.read(mainPath) ?? ""
        if text.split(separator: "\n").contains(where: { $0.trimmed == includeLine }) { return false }
        // A configuration that is kept elsewhere stays there.
        let target = FilePath((mainPath.string as NSString).resolvingSymlinksInPath)
        try UserFile.replace(target, with: "\(includeLine)\n\n\(text)", mode: .ownerReadWrite)
        return true
    }
}
