import Glibc

/// What a container runtime gives to an image that has no init, as far as nothing else in the guest does.
enum ContainerSystem {
    private static let links = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ]
    private static let hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"

    static func prepare() {
        for (link, target) in links { symlink(target, link) }
        for directory in ["/etc", "/run", "/var"] { mkdir(directory, 0o755) }
        mkdir("/root", 0o700)
        if mkdir("/tmp", 0o1777) == 0 { chmod("/tmp", 0o1777) }
        mount("mqueue", at: "/dev/mqueue", options: "")
        mount("cgroup2", at: "/sys/fs/cgroup", options: "")
        // What an image brings there belongs to its services, with owners that they count on.
        mountWhereEmpty("/run", options: "mode=0755")
        mountWhereEmpty("/tmp", options: "mode=1777")
        attempt("/etc/hosts") { () throws(SystemError) in
            let present = SmallFile.readText("/etc/hosts") ?? ""
            if !present.contains("localhost") {
                try SmallFile.replace("/etc/hosts", with: hosts + present, mode: 0o644)
            }
        }
        // A service may take any port, whatever user it runs as: there is nobody else to take it from.
        attempt("ports") { () throws(SystemError) in try write("0", to: "/proc/sys/net/ipv4/ip_unprivileged_port_start")
        }
    }

    private static func mountWhereEmpty(_ path: String, options: String) {
        guard DirectoryListing.names(in: path).isEmpty else { return }
        mount("tmpfs", at: path, options: options)
    }

    private static func mount(_ type: String, at path: String, options: String) {
        attempt(path) { () throws(SystemError) in
            try Boot.mountNew(type, at: path, type: type, flags: Int(MS_NOSUID | MS_NODEV), options: options)
        }
    }

    private static func write(_ text: String, to path: String) throws(SystemError) {
        let fd = open(path, O_WRONLY | O_CLOEXEC)
        guard fd >= 0 else { throw SystemError("open \(path)") }
        defer { close(fd) }
        try SmallFile.writeAll(Array(text.utf8)[...], to: fd, path: path)
    }

    /// The machine can do without any of it, and says so.
    private static func attempt(_ what: String, _ body: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try body()
        } catch {
            Console.log("cannot prepare \(what): \(error)")
        }
    }
}
