import Glibc

/// The user that everybody enters as.
enum RootUser {
    /// Looked up once: it is the same in every child of a VM.
    static let home = lookUpHome()

    private static func lookUpHome() -> String {
        for line in (SmallFile.readText("/etc/passwd") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count >= 6, fields[0] == "root", fields[5].hasPrefix("/") { return String(fields[5]) }
        }
        return "/root"
    }

    /// `~/.ssh`, made if it is missing.
    static func sshDirectory() throws(SystemError) -> String {
        let directory = "\(home)/.ssh"
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            if errno != ENOENT { throw SystemError("create \(directory)") }
            try SmallFile.makeDirectories(directory, mode: 0o700)
        }
        return directory
    }
}
