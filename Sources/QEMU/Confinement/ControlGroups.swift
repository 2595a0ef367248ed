internal import Glibc
internal import HostSystem
internal import SystemPackage

/// What a machine's processes may use of the host.
struct ResourceLimits: Sendable, Hashable {
    /// Threads of QEMU and its frozen copies.
    private static let processes = 1024
    /// QEMU itself with what it has translated, and the page cache of what is being written.
    private static let allowanceMiB = 512

    let memoryMiB: Int
    let vcpuCount: Int

    /// A guest that rewrites all of its memory after a freeze has it twice, in the process and in the frozen copy; of
    /// the two the kernel ends the copy first.
    var memoryBytes: Int { (2 * memoryMiB + Self.allowanceMiB) << 20 }

    /// In ordinary processes: its vCPUs, and one for QEMU itself and what it forks off. At most what the kernel allows.
    private var weight: Int { min(vcpuCount + 1, 100) }

    func files(of controller: ControlGroups.Controller, version: Int) -> [(name: String, value: String)] {
        switch (controller, version) {
        case (.memory, 1): [("memory.limit_in_bytes", "\(memoryBytes)")]
        case (.memory, _): [("memory.max", "\(memoryBytes)")]
        case (.pids, _): [("pids.max", "\(Self.processes)")]
        case (.cpu, 1): [("cpu.shares", "\(weight * 1024)")]
        case (.cpu, _): [("cpu.weight", "\(weight * 100)")]
        }
    }
}

/// The kernel's control groups, as far as this host has them: version 2, or 1, or both beside each other. Everything
/// blocks shortly.
public struct ControlGroups: Sendable {
    enum Controller: String, Sendable, CaseIterable {
        case memory
        case pids
        case cpu
    }

    struct Hierarchy: Sendable, Hashable {
        var version: Int
        /// The group that ours lie in.
        var parent: FilePath
        var controllers: Set<Controller>
    }

    /// Of the names of our groups.
    let prefix: String
    let hierarchies: [Hierarchy]

    init(prefix: String, hierarchies: [Hierarchy]) {
        self.prefix = prefix
        self.hierarchies = hierarchies
    }

    /// Looks at this host.
    /// - Parameter prefix: what the names of all machines' groups begin with.
    public init(prefix: String) {
        let mounts = (try? HostFile.readText("/proc/self/mounts", limitInBytes: 1 << 20)) ?? ""
        let own = (try? HostFile.readText("/proc/self/cgroup", limitInBytes: 65_536)) ?? ""
        let found = Self.hierarchies(mounts: mounts, own: own).compactMap { hierarchy -> Hierarchy? in
            guard access(hierarchy.parent.string, W_OK) == 0 else { return nil }
            guard hierarchy.version == 2 else { return hierarchy }
            return Hierarchy(version: 2, parent: hierarchy.parent, controllers: Self.delegated(hierarchy.parent))
        }
        self.init(prefix: prefix, hierarchies: found)
    }

    var controllers: Set<Controller> { Set(hierarchies.flatMap(\.controllers)) }

    /// Version 1 has a hierarchy for each controller, and ours lie in the daemon's own group. In version 2 a group
    /// with processes has no others in it, and ours lie beside the daemon's.
    static func hierarchies(mounts: String, own: String) -> [Hierarchy] {
        let groups = own.split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }.filter { $0.count == 3 }
        return mounts.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count >= 4 else { return nil }
            let mount = FilePath(String(words[1]))
            if words[2] == "cgroup2" {
                let path = FilePath(groups.first { $0[0] == "0" }.map { String($0[2]) } ?? "/")
                let parent = existing(mount, path.removingLastComponent())
                return Hierarchy(version: 2, parent: parent, controllers: [])
            }
            guard words[2] == "cgroup" else { return nil }
            let controllers = Set(words[3].split(separator: ",").compactMap { Controller(rawValue: String($0)) })
            guard let first = controllers.first else { return nil }
            let path = groups.first { $0[1].split(separator: ",").contains(Substring(first.rawValue)) }.map {
                String($0[2])
            }
            return Hierarchy(version: 1, parent: existing(mount, FilePath(path ?? "/")), controllers: controllers)
        }
    }

    /// A container may see another part of the hierarchy than the one that its processes are said to be in.
    private static func existing(_ mount: FilePath, _ path: FilePath) -> FilePath {
        let inside = mount.pushing(FilePath(root: nil, path.components))
        return access(inside.string, F_OK) == 0 ? inside : mount
    }

    /// The controllers that groups in a group of version 2 can have.
    private static func delegated(_ group: FilePath) -> Set<Controller> {
        let file = delegate(Set(Controller.allCases), in: group)
        let text = try? HostFile.readText(file, limitInBytes: 4096)
        return Set((text ?? "").split { $0 == " " || $0 == "\n" }.compactMap { Controller(rawValue: String($0)) })
    }

    /// Lets the groups in a group of version 2 have controllers.
    /// - Returns: the file that lists those which they have.
    @discardableResult
    private static func delegate(_ controllers: Set<Controller>, in group: FilePath) -> FilePath {
        let file = group.appending("cgroup.subtree_control")
        // Each by itself: one that is not there, or not to be had, takes no other with it.
        for controller in controllers { try? HostFile.overwrite(file, with: "+\(controller.rawValue)") }
        return file
    }

    // MARK: Groups of machines

    /// Puts a process that was just started into a group of its own. What it forks is in it, too.
    ///
    /// In version 2 the processes are in a group inside the machine's. The parent is not ours, and systemd takes from the
    /// groups in it each controller that none of its own units there wants any more, and the limits with it. From a group
    /// that has passed the controller on the kernel does not let it.
    func enter(_ machine: String, pid: Int32, limits: ResourceLimits) throws {
        for hierarchy in hierarchies {
            let group = hierarchy.parent.appending(fullName(machine))
            // No machine may have kept a controller that was there when the daemon started.
            if hierarchy.version == 2 { Self.delegate(hierarchy.controllers, in: hierarchy.parent) }
            try make(group)
            for controller in hierarchy.controllers {
                for file in limits.files(of: controller, version: hierarchy.version) {
                    try HostFile.overwrite(group.appending(file.name), with: file.value)
                }
            }
            var holder = group
            if hierarchy.version == 2 {
                Self.delegate(hierarchy.controllers, in: group)
                holder.append(Self.inner)
                try make(holder)
            }
            try HostFile.overwrite(holder.appending("cgroup.procs"), with: "\(pid)")
        }
    }

    /// The processes in a machine's group.
    func processes(of machine: String) -> Set<Int32> {
        let texts = groups(of: machine).flatMap { [$0, $0.appending(Self.inner)] }.compactMap {
            try? HostFile.readText($0.appending("cgroup.procs"), limitInBytes: 1 << 20)
        }
        return Set(texts.flatMap { $0.split(separator: "\n").compactMap { Int32($0) } })
    }

    /// Has the kernel free as much page cache of a machine as it takes for `bytes` to fit within its limit, or what can be
    /// freed of that. Blocks for as long as that takes.
    func makeRoom(for bytes: Int, in machine: String, limits: ResourceLimits) {
        for hierarchy in hierarchies where hierarchy.controllers.contains(.memory) {
            let group = hierarchy.parent.appending(fullName(machine))
            let used = hierarchy.version == 1 ? "memory.usage_in_bytes" : "memory.current"
            let target = limits.memoryBytes - bytes
            guard let text = try? HostFile.readText(group.appending(used), limitInBytes: 64),
                let usedBytes = Int(text.prefix(while: \.isNumber)), usedBytes > target
            else { continue }
            // Both fail when not all of it can be freed, which is as good as can be.
            if hierarchy.version == 1 {
                let file = group.appending("memory.limit_in_bytes")
                try? HostFile.overwrite(file, with: "\(target)")
                try? HostFile.overwrite(file, with: "\(limits.memoryBytes)")
            } else {
                // Not by a lower limit, at which version 2 ends processes. Since Linux 5.19.
                try? HostFile.overwrite(group.appending("memory.reclaim"), with: "\(usedBytes - target)")
            }
        }
    }

    /// Ends every process in a machine's group, where the kernel does that in one step.
    func kill(_ machine: String) {
        for group in groups(of: machine) { try? HostFile.overwrite(group.appending("cgroup.kill"), with: "1") }
    }

    /// Removes a machine's group, once nothing is in it.
    func remove(_ machine: String) {
        for group in groups(of: machine) {
            rmdir(group.appending(Self.inner).string)
            rmdir(group.string)
        }
    }

    /// Every machine that has a group, with its process as in ``name(of:pid:)``.
    func machines() -> Set<String> {
        let names = hierarchies.flatMap { (try? HostFile.names(in: $0.parent)) ?? [] }
        let ours = names.filter { $0.hasPrefix("\(prefix)-") && $0.contains(Self.mark) }
        return Set(ours.map { String($0.dropFirst(prefix.count + 1)) })
    }

    /// The group in a machine's own, in version 2, that its processes are in.
    private static let inner = "processes"

    /// Separates a machine's id and the pid in the name of its group.
    private static let mark = "@"

    /// A group's name: that of the machine with its process, so that a machine which is started again has another.
    static func name(of machine: String, pid: Int32) -> String { "\(machine)\(mark)\(pid)" }

    private func groups(of machine: String) -> [FilePath] {
        hierarchies.map { $0.parent.appending(fullName(machine)) }.filter { access($0.string, F_OK) == 0 }
    }

    /// Beside one another and whatever else there is: groups in one of their own would share its weight.
    private func fullName(_ machine: String) -> String { "\(prefix)-\(machine)" }

    private func make(_ group: FilePath) throws {
        guard mkdir(group.string, 0o755) == 0 || errno == EEXIST else {
            throw HostError("make the control group", group, errno: Errno(rawValue: errno))
        }
    }
}
