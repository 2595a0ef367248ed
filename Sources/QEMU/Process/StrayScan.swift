internal import HostSystem
internal import SystemPackage

/// Finds monitor processes by what they execute and where they run.
struct StrayScan: Sendable {
    var executable: FilePath
    var root: FilePath

    /// Blocks shortly.
    func find(_ keeping: Set<Int32>) throws -> [Int32] {
        let wanted = HostFile.identity(of: executable)
        return try ProcessTable.processes().filter { pid in
            guard !keeping.contains(pid),
                // A frozen copy belongs to the machine it was forked from.
                !keeping.contains(ProcessTable.parent(of: pid) ?? 0),
                let directory = ProcessTable.workingDirectory(of: pid), directory.starts(with: resolvedRoot)
            else { return false }
            return isMonitor(pid, executable: wanted)
        }
    }

    /// The link in `/proc` leads to the file even when it was replaced by an upgrade.
    private func isMonitor(_ pid: Int32, executable wanted: FileIdentity?) -> Bool {
        if let identity = HostFile.identity(of: FilePath("/proc/\(pid)/exe")), identity == wanted { return true }
        let name = executable.lastComponent?.string ?? ""
        return ProcessTable.executable(of: pid)?.lastComponent?.string == "\(name) (deleted)"
    }

    /// `/proc` shows paths without symbolic links.
    private var resolvedRoot: FilePath { HostFile.resolved(root) ?? root }
}
