import Foundation
internal import SystemPackage
import VersAPI

/// How OpenSSH enters a VM: the same for our own sessions and for blocks of `~/.ssh/config`.
struct SSHOptions {
    let machine: MachineID
    let files: SSHKeyFiles.Files
    /// The words that connect stdin and stdout to the VM's server.
    let proxyCommand: [String]

    /// - Parameter setting: variables that the proxy needs and may not inherit.
    /// - Throws: `.unsupported` when this program cannot be started again.
    init(
        machine: MachineID,
        files: SSHKeyFiles.Files,
        context: CommandContext,
        setting variables: [String: String] = [:]
    ) throws {
        guard let executable = context.executable else {
            throw VersError(.unsupported, "the path of 'vers' is not known, so that ssh could not start it")
        }
        for path in [executable, files.identity, files.knownHosts] where path.string.contains(where: Self.isUnquotable)
        {
            throw VersError(
                .invalidArgument,
                "path \(path) cannot be written in a configuration of OpenSSH: it has a quote, a backslash or a line break"
            )
        }
        self.machine = machine
        self.files = files
        let assignments = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        proxyCommand =
            (assignments.isEmpty ? [] : ["env"] + assignments) + [executable.string, "ssh-proxy", machine.text]
    }

    private static func isUnquotable(_ character: Character) -> Bool { "\"\\\n\r".contains(character) }

    /// Keyword and value, as they stand in a configuration.
    var settings: [(keyword: String, value: String)] {
        [
            ("User", "root"),
            ("ProxyCommand", Self.escaped(proxyCommand.map(ShellCommand.quoted).joined(separator: " "))),
            ("IdentityFile", Self.path(files.identity)),
            ("IdentitiesOnly", "yes"),
            ("PreferredAuthentications", "publickey"),
            ("HostKeyAlias", machine.text),
            ("UserKnownHostsFile", Self.path(files.knownHosts)),
            ("GlobalKnownHostsFile", "none"),
            ("StrictHostKeyChecking", "yes"),
            ("UpdateHostKeys", "no"),
            ("CheckHostIP", "no"),
            ("ForwardAgent", "no"),
            ("ForwardX11", "no"),
            ("ServerAliveInterval", "30"),
            ("ServerAliveCountMax", "10"),
        ]
    }

    /// Arguments of `ssh` that say all of it, whatever the user's configuration says.
    var arguments: [String] {
        ["-F", "none"] + settings.flatMap { ["-o", "\($0.keyword)=\($0.value)"] }
    }

    /// A block of `~/.ssh/config`.
    func block(names: [String]) -> String {
        let lines = settings.map { "    \($0.keyword) \($0.value)" }
        return (["Host \(names.joined(separator: " "))"] + lines).joined(separator: "\n") + "\n"
    }

    private static func path(_ path: FilePath) -> String { escaped("\"\(path)\"") }

    /// `%` begins a token in these values.
    private static func escaped(_ text: String) -> String { text.replacing("%", with: "%%") }
}
