import Glibc
import GuestProtocol

/// Our variables for sessions that the agent does not start: in `/etc/environment`, and in `~/.ssh/environment` what
/// the first cannot hold.
enum EnvironmentFile {
    /// `pam_env` gives up at a line that is longer than 8192 bytes, and ignores every line behind it.
    private static let lineLength = 8000
    /// sshd refuses a session at more than 1000 lines.
    private static let sshLines = 500

    static func install(_ variables: [EnvironmentVariable]) throws(SystemError) {
        let sorted = variables.sorted { $0.name < $1.name }
        try MarkedBlock.install(sorted.compactMap(pamLine), in: "/etc/environment", mode: 0o644)
        let rest = sorted.filter { pamLine($0) == nil }.compactMap(sshLine).prefix(sshLines)
        let path = "\(RootUser.home)/.ssh/environment"
        if rest.isEmpty, !SmallFile.exists(path) { return }
        try MarkedBlock.install(Array(rest), in: "\(try RootUser.sshDirectory())/environment", mode: 0o600)
    }

    /// A line of `/etc/environment`. Nil for what `pam_env` (1.5) does not read back: a line break ends the value, and
    /// so does a `#`, between quotes, too.
    static func pamLine(_ variable: EnvironmentVariable) -> String? {
        let line = "\(variable.name)=\"\(variable.value)\""
        let isPlain = !variable.value.utf8.contains { "\n\r\0\"#".utf8.contains($0) }
        return isPlain && line.utf8.count <= lineLength ? line : nil
    }

    /// A line of `~/.ssh/environment`, which sshd takes as it is. Nil for a value of several lines, which only commands
    /// can be given.
    static func sshLine(_ variable: EnvironmentVariable) -> String? {
        variable.value.utf8.contains { "\n\0".utf8.contains($0) } ? nil : "\(variable.name)=\(variable.value)"
    }
}
