internal import Glibc
internal import HostSystem
internal import Logging
internal import Synchronization
internal import SystemPackage
internal import VersAPI

/// Keeps a monitor process, which a hostile guest may have taken over, from everything that is not its machine's: it
/// runs as a user of its own, without capabilities, in a control group, and owns of the host's files those of its
/// machine.
///
/// Directories belong to root, so that no machine can put anything in the place of what the daemon opens next. The one
/// directory that a machine owns holds what the memory library makes by itself.
final class MachineConfinement: Sendable {
    private static let setpriv: FilePath = "/usr/bin/setpriv"
    private static let env: FilePath = "/usr/bin/env"
    private static let kvm: FilePath = "/dev/kvm"

    let configuration: ConfinementConfiguration
    private let users: MachineUsers
    private let groups: ControlGroups
    let logger: Logger
    /// The processes of machines, by the names of their directories, which they keep wherever these lie.
    let running: Mutex<[String: ConfinedProcess]> = Mutex([:])

    /// Closes to others what lies in the home, and lets machines through it. Blocks shortly.
    init(configuration: ConfinementConfiguration, groups: ControlGroups, logger: Logger) throws {
        self.configuration = configuration
        self.groups = groups
        self.logger = logger
        users = MachineUsers(range: configuration.users, roots: configuration.machineRoots)
        umask(0o077)
        try openHome()
    }

    /// Confines machines as they are to be, and says so. Nil where they cannot be and need not.
    /// - Throws: ``VersError`` `.unsupported`, with what to do.
    static func make(
        _ preference: ConfinementPreference?,
        executable: FilePath,
        library: FilePath,
        logger: Logger
    ) async throws -> MachineConfinement? {
        guard let preference else { return nil }
        let configuration = preference.configuration
        let obstacle = try await BlockingPool.run {
            Self.obstacle(configuration, executable: executable, library: library)
        }
        if let obstacle {
            guard preference.isOptional else {
                throw VersError(
                    .unsupported,
                    "machines cannot run as users of their own: \(obstacle.reason)",
                    hint: obstacle.hint
                )
            }
            logger.warning(
                "machines run as root: a guest that takes over its QEMU has the host",
                metadata: ["reason": "\(obstacle.reason)", "hint": "\(obstacle.hint)"]
            )
            return nil
        }
        return try await describingFailures("confine machines") {
            try await BlockingPool.run {
                let groups = ControlGroups(prefix: configuration.groupPrefix)
                let confinement = try MachineConfinement(configuration: configuration, groups: groups, logger: logger)
                logger.info(
                    "machines are confined",
                    metadata: [
                        "users": "\(configuration.users)",
                        "limits.missing": "\(confinement.missingLimits.joined(separator: ","))",
                    ]
                )
                return confinement
            }
        }
    }

    /// Why machines cannot be confined here, and what to do. Nil when they can. Blocks shortly.
    static func obstacle(
        _ configuration: ConfinementConfiguration,
        executable: FilePath,
        library: FilePath
    ) -> (reason: String, hint: String)? {
        for program in [setpriv, env] where access(program.string, X_OK) != 0 {
            return ("there is no \(program)", "apt-get install util-linux coreutils")
        }
        let map = (try? HostFile.readText("/proc/self/uid_map", limitInBytes: 65_536)) ?? ""
        guard isMapped(configuration.users, in: map) else {
            return ("the users \(configuration.users) are none of this container's", "name others: --machine-users")
        }
        var directory = configuration.home.removingLastComponent()
        while !directory.components.isEmpty {
            guard FileAccess.isPassable(directory) else {
                return ("\(directory) lets no other user through", "chmod o+x \(directory), or move the instance")
            }
            directory = directory.removingLastComponent()
        }
        for file in [executable, library] {
            var status = stat()
            guard stat(file.string, &status) == 0, status.st_mode & 0o004 != 0 else {
                return ("\(file) is not readable for other users", "chmod o+r \(file)")
            }
        }
        return nil
    }

    /// - Parameter map: the text of `/proc/self/uid_map`.
    static func isMapped(_ range: MachineUserRange, in map: String) -> Bool {
        map.split(separator: "\n").contains { line in
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            guard numbers.count == 3 else { return false }
            return UInt64(range.first) >= numbers[0]
                && UInt64(range.first) + UInt64(range.count) <= numbers[0] + numbers[2]
        }
    }

    /// The resources whose use has no limit here.
    var missingLimits: [String] {
        let missing = Set(ControlGroups.Controller.allCases).subtracting(groups.controllers)
        return missing.map(\.rawValue).sorted()
    }

    private var passed: Set<FilePath> { Set(configuration.machineRoots + configuration.sources) }

    private func openHome() throws {
        try openWay()
        for name in try HostFile.names(in: configuration.home) {
            let path = configuration.home.appending(name)
            if !passed.contains(path) { try FileAccess.closeToOthers(path) }
        }
    }

    /// Lets machines through the home to their directories and to what they read. Blocks shortly.
    func openWay() throws {
        try FileAccess.allowPassing(configuration.home, by: configuration.users.readers)
        for path in passed where HostFile.identity(of: path) != nil {
            try FileAccess.allowPassing(path, by: configuration.users.readers)
        }
    }

    // MARK: Starting a process

    /// Gives a machine's directory a user, and that user a way into it. Blocks shortly.
    func prepare(_ directory: FilePath) throws -> MachineUser {
        try openWay()
        let user = try users.assign(to: directory)
        try giveOwnDirectory(in: directory, to: user)
        return user
    }

    /// The program that drops every privilege and becomes `executable`. Only that gets the environment: with the memory
    /// library, no program can start another.
    func command(
        _ executable: FilePath,
        _ arguments: [String],
        environment: [String: String],
        as user: MachineUser,
        usesKVM: Bool
    ) -> (executable: FilePath, arguments: [String]) {
        var groups = [configuration.users.readers]
        var status = stat()
        if usesKVM, stat(Self.kvm.string, &status) == 0, status.st_gid != 0 { groups.append(status.st_gid) }
        return (
            Self.setpriv,
            Self.words(for: executable, arguments, environment: environment, user: user.id, groups: groups)
        )
    }

    static func words(
        for executable: FilePath,
        _ arguments: [String],
        environment: [String: String],
        user: UInt32,
        groups: [UInt32]
    ) -> [String] {
        let options = [
            "--reuid=\(user)", "--regid=\(user)", "--groups=\(groups.map(String.init).joined(separator: ","))",
            "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--",
        ]
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        return options + [env.string, "--ignore-environment"] + variables + [executable.string] + arguments
    }

    /// Puts a process that was just started into a control group. Where there is none it runs without limits.
    func limit(_ pid: Int32, of machine: String, _ limits: ResourceLimits) {
        do {
            try groups.enter(ControlGroups.name(of: machine, pid: pid), pid: pid, limits: limits)
        } catch {
            logger.warning(
                "machine runs without a control group",
                metadata: ["machine": "\(machine)", "error": "\(error)"]
            )
        }
    }

    /// Frees page cache of a machine, so that it can write so many bytes before it is at its limit. Blocks for as long as
    /// that takes.
    func makeRoom(for bytes: Int, in machine: String, pid: Int32, limits: ResourceLimits) {
        groups.makeRoom(for: bytes, in: ControlGroups.name(of: machine, pid: pid), limits: limits)
    }

    // MARK: Files

    /// Lets machines read images and layers. Changes nothing about other files: their names may come from a disk's header,
    /// which a machine can write. Blocks shortly.
    /// - Throws: ``VersError`` `.unsupported` for a file elsewhere that machines cannot read.
    func allowReading(_ files: [FilePath]) throws {
        for file in files {
            guard let real = HostFile.resolved(file) else { continue }
            guard isSource(real) else {
                try requireReadable(real)
                continue
            }
            try FileAccess.allowReading(real, by: configuration.users)
            try allowPassing(to: real)
        }
    }

    /// An image may be a link to another place.
    private func requireReadable(_ file: FilePath) throws {
        var status = stat()
        guard stat(file.string, &status) == 0, status.st_mode & 0o004 != 0 else {
            throw Self.unreadable(file, because: "it is not readable for other users", hint: "chmod o+r \(file)")
        }
        var directory = file.removingLastComponent()
        while !directory.components.isEmpty {
            guard FileAccess.isPassable(directory) else {
                let reason = "\(directory) lets no other user through"
                throw Self.unreadable(file, because: reason, hint: "chmod o+x \(directory)")
            }
            directory = directory.removingLastComponent()
        }
    }

    private static func unreadable(_ file: FilePath, because reason: String, hint: String) -> VersError {
        VersError(
            .unsupported,
            "the vm's user cannot read '\(file)': \(reason)",
            hint: "\(hint), or put the image into the instance's home instead of a link to it"
        )
    }

    /// Has a machine that waits or boots own its disk, and read what lies under it. Blocks shortly.
    func allowDisk(_ disk: FilePath) throws {
        try allowReading(Array(try DiskFiles.chain(of: disk).dropFirst()))
        try give(disk, in: disk.removingLastComponent())
    }

    private func isSource(_ file: FilePath) -> Bool {
        configuration.sources.contains { source in
            HostFile.resolved(source).map { file.starts(with: $0) } ?? false
        }
    }

    /// Lets machines through the directories between the home and a file in it.
    func allowPassing(to file: FilePath) throws {
        guard let home = HostFile.resolved(configuration.home) else { return }
        var directory = file.removingLastComponent()
        while directory.starts(with: home), directory != home {
            try FileAccess.allowPassing(directory, by: configuration.users.readers)
            directory = directory.removingLastComponent()
        }
    }

    // MARK: The end

    /// Ends what a machine's process has left, and removes its control group. Returns when it is gone.
    func end(_ machine: String, pid: Int32) async {
        await settle(ControlGroups.name(of: machine, pid: pid), kills: true)
        forget(machine, pid: pid)
    }

    /// Removes a machine's control group once its frozen copies have ended by themselves.
    func release(_ machine: String, pid: Int32) async {
        forget(machine, pid: pid)
        await settle(ControlGroups.name(of: machine, pid: pid), kills: false)
    }

    /// Removes the groups of machines that have ended while no daemon ran.
    func removeEmptyGroups() async {
        let groups = groups
        // One with processes in it stays.
        try? await BlockingPool.run { for machine in groups.machines() { groups.remove(machine) } }
    }

    private func settle(_ group: String, kills: Bool) async {
        let groups = groups
        var seen: Set<Int32> = []
        while let pids = try? await BlockingPool.run({
            if kills { groups.kill(group) }
            return groups.processes(of: group)
        }), !pids.isEmpty {
            for pid in pids {
                // One that has ended by now needs no more.
                guard let handle = try? ProcessHandle(pid: pid) else { continue }
                if kills { try? handle.signal(SIGKILL) }
                _ = await handle.waitForExit(timeout: kills ? .seconds(10) : nil)
            }
            // What does not end keeps its group; a later daemon removes it.
            guard !pids.isSubset(of: seen) else { break }
            seen.formUnion(pids)
        }
        try? await BlockingPool.run { groups.remove(group) }
    }
}
