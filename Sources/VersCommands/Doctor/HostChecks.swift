import Foundation
internal import SystemPackage

/// Whether the host's kernel, memory and disk serve.
struct HostChecks {
    let home: InstanceHome

    /// Below these, the first VM is likely to fail.
    private static let leastFreeMemoryMiB = 1024
    private static let leastFreeDiskMiB = 5120
    /// Every extent of every memory layer of a VM is a mapping of its own.
    private static let leastMapCount = 65_530

    func run() -> [Check] { [homeDirectory(), disk(), memory(), pagemap(), mapCount()] }

    private func homeDirectory() -> Check {
        let name = "home"
        let existing = nearestExisting(home.path)
        guard access(existing.string, W_OK) == 0 else {
            return .fail(
                name,
                "\(home.path) cannot be written by this user",
                hint: "set VERS_HOME to a directory of yours"
            )
        }
        let type = filesystem(of: existing)
        if ["tmpfs", "nfs", "nfs4", "9p", "fuse", "vfat"].contains(type) {
            return .warn(
                name,
                "\(home.path) is on \(type)",
                hint: type == "tmpfs" ? "VMs and commits are lost at a reboot" : "use a local ext4, xfs or btrfs"
            )
        }
        return .ok(name, "\(home.path) on \(type)\(existing == home.path ? "" : " (made when first used)")")
    }

    private func disk() -> Check {
        var information = statvfs()
        let path = nearestExisting(home.path).string
        guard statvfs(path, &information) == 0 else {
            return .fail("disk", "cannot tell the free space of \(path)", hint: "look at 'df \(path)'")
        }
        let free = (Int(information.f_bavail) * Int(information.f_frsize)) >> 20
        guard free >= Self.leastFreeDiskMiB else {
            return .warn("disk", "\(free) MiB free at \(path)", hint: "free some: commits and disks grow there")
        }
        return .ok("disk", "\(free >> 10) GiB free at \(path)")
    }

    private func memory() -> Check {
        let text = HostFile.field("MemAvailable", in: "/proc/meminfo") ?? ""
        guard let kibibytes = Int(text.split(separator: " ").first ?? "") else {
            return .warn("memory", "available memory unknown", hint: "look at 'free -m'")
        }
        let free = kibibytes >> 10
        guard free >= Self.leastFreeMemoryMiB else {
            return .warn(
                "memory",
                "\(free) MiB available",
                hint: "a VM takes what its guest touches, 512 MiB by default"
            )
        }
        return .ok("memory", "\(free) MiB available")
    }

    /// Changed pages are found with it when a VM is branched.
    private func pagemap() -> Check {
        guard access("/proc/self/pagemap", R_OK) == 0 else {
            return .warn(
                "pagemap",
                "/proc/self/pagemap cannot be read",
                hint: "run on a kernel with CONFIG_PROC_PAGE_MONITOR"
            )
        }
        return .ok("pagemap", "readable")
    }

    private func mapCount() -> Check {
        let text = HostFile.text("/proc/sys/vm/max_map_count")?.trimmed ?? ""
        guard let count = Int(text) else {
            return .warn("max_map_count", "unknown", hint: "look at /proc/sys/vm/max_map_count")
        }
        guard count >= Self.leastMapCount else {
            return .warn("max_map_count", "\(count)", hint: "sysctl vm.max_map_count=262144")
        }
        return .ok("max_map_count", "\(count)")
    }

    private func nearestExisting(_ path: FilePath) -> FilePath {
        var path = path
        while access(path.string, F_OK) != 0, !path.components.isEmpty { path.removeLastComponent() }
        return path
    }

    /// The type of the mount that holds `path`: the longest mount point that begins it.
    private func filesystem(of path: FilePath) -> String {
        var best = (length: -1, type: "unknown")
        for line in (HostFile.text("/proc/self/mounts") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, path.starts(with: FilePath(String(fields[1]))) else { continue }
            if fields[1].count >= best.length { best = (fields[1].count, String(fields[2])) }
        }
        return best.type
    }
}
