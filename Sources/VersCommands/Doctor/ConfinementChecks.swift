import Foundation
internal import SystemPackage

/// Whether a daemon that runs as root can keep VMs apart from the host. Others have nothing to give away.
struct ConfinementChecks {
    let home: InstanceHome

    private static let controllers: Set<String> = ["memory", "pids", "cpu"]

    func run() -> [Check] { geteuid() == 0 ? [users(), limits()] : [] }

    private func users() -> Check {
        let name = "VM users"
        guard access("/usr/bin/setpriv", X_OK) == 0 else {
            return .warn(name, "VMs run as root: there is no /usr/bin/setpriv", hint: "apt-get install util-linux")
        }
        var directory = home.path.removingLastComponent()
        while !directory.components.isEmpty {
            var status = stat()
            guard stat(directory.string, &status) != 0 || status.st_mode & 0o001 != 0 else {
                return .warn(
                    name,
                    "VMs run as root: \(directory) lets no other user through",
                    hint: "chmod o+x \(directory), or set VERS_HOME to another directory"
                )
            }
            directory = directory.removingLastComponent()
        }
        return .ok(name, "each VM runs as a user of its own")
    }

    private func limits() -> Check {
        let name = "VM limits"
        let missing = Self.controllers.subtracting(present()).sorted()
        guard missing.isEmpty else {
            return .warn(
                name,
                "no control group limits the VMs' use of: \(missing.joined(separator: ", "))",
                hint: "mount the cgroup2 filesystem at /sys/fs/cgroup, with these controllers"
            )
        }
        return .ok(name, "control groups limit memory, processes and processors")
    }

    /// Of version 1 by their mounts, of version 2 by the list in its root.
    private func present() -> Set<String> {
        var found: Set<String> = []
        for line in (HostFile.text("/proc/self/mounts") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 3 else { continue }
            if fields[2] == "cgroup" { found.formUnion(fields[3].split(separator: ",").map(String.init)) }
            guard fields[2] == "cgroup2" else { continue }
            let list = HostFile.text("\(fields[1])/cgroup.controllers") ?? ""
            found.formUnion(list.split { $0 == " " || $0 == "\n" }.map(String.init))
        }
        return found
    }
}
