internal import HostSystem
internal import Logging
internal import Synchronization
internal import SystemPackage

/// A machine's process, and whom it runs as.
struct ConfinedProcess: Sendable {
    let pid: Int32
    let user: MachineUser
}

/// The owner of a machine's own directory says which user the machine has, and whoever gives the home to somebody as a
/// whole (`chown -R`, a backup that was restored) takes that away. A process that runs is still what it was started as: its
/// machine's files become that user's again. A machine without a process gets a user at its next start.
extension MachineConfinement {
    /// Makes a file its machine's own, if the machine has a user. Blocks shortly.
    func give(_ file: FilePath, in directory: FilePath) throws {
        if let user = try user(of: directory) { try FileAccess.give(file, to: user) }
    }

    /// Makes files that the machine is to write, outside its directory. Blocks shortly.
    func createOutputs(_ files: [FilePath], of directory: FilePath) throws {
        guard let user = try user(of: directory) else { return }
        for file in files {
            try HostFile.create(file, bytes: [])
            try FileAccess.give(file, to: user)
            if let real = HostFile.resolved(file) { try allowPassing(to: real) }
        }
    }

    /// Takes away from a machine what it has written; all may read it. Blocks shortly.
    func takeBack(_ file: FilePath) throws {
        try FileAccess.takeBack(file, readableBy: configuration.users.readers)
    }

    // MARK: Keeping it

    /// Takes note of a process that was started as this user.
    func note(_ pid: Int32, as user: MachineUser, in directory: FilePath) {
        guard let machine = directory.lastComponent?.string else { return }
        running.withLock { $0[machine] = ConfinedProcess(pid: pid, user: user) }
    }

    /// Takes note of a process that another daemon has started, whose machine's files are to be its user's. Blocks shortly.
    func adopt(_ pid: Int32, in directory: FilePath) {
        // Root's is one that was started without confinement.
        guard let id = ProcessTable.effectiveUser(of: pid), id != 0 else { return }
        note(pid, as: MachineUser(id: id), in: directory)
        do {
            _ = try user(of: directory)
        } catch {
            // It runs, and whatever needs these files tries again and fails with the reason.
            logger.error("a vm's files could not be made its own", metadata: ["error": "\(error)"])
        }
    }

    /// Idempotent.
    func forget(_ machine: String, pid: Int32) {
        running.withLock { if $0[machine]?.pid == pid { $0[machine] = nil } }
    }

    /// The user that a machine has, to whom its files are given back if they are another's. Nil when it has none.
    private func user(of directory: FilePath) throws -> MachineUser? {
        let recorded = MachineUsers.user(of: directory)
        let process = running.withLock { running in directory.lastComponent.flatMap { running[$0.string] } }
        guard let process, process.user != recorded else { return recorded }
        logger.warning(
            "a vm's files had been given to another user, and are its own again",
            metadata: [
                "machine": "\(directory.lastComponent?.string ?? "")",
                "user": "\(process.user.id)",
                "user.found": "\(recorded?.id ?? 0)",
            ]
        )
        try restore(directory, to: process.user)
        return process.user
    }

    /// The whole home has another owner then, by all appearances.
    private func restore(_ directory: FilePath, to user: MachineUser) throws {
        try openWay()
        let names = try HostFile.names(in: directory).filter {
            $0 == MachineFile.ram || DiskFile.number(ofName: $0) != nil
        }
        for name in names { try FileAccess.give(directory.appending(name), to: user) }
        // Last: as long as that is not done, all of it is to be done.
        try giveOwnDirectory(in: directory, to: user)
    }

    /// Gives a user the directory in which the machine's process makes files, with those that are there, and the way into it.
    func giveOwnDirectory(in directory: FilePath, to user: MachineUser) throws {
        try FileAccess.allowPassing(directory, by: user.id)
        let own = directory.appending(MachineFile.ownDirectory)
        for name in try HostFile.names(in: own) { try FileAccess.giveBack(own.appending(name), to: user) }
        try FileAccess.give(own, to: user, mode: 0o700)
    }
}
