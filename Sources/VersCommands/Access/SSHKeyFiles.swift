import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// The keys of VMs as files that OpenSSH reads, in the user's cache: never in a project's folder.
///
/// A VM's keys are the same for its life, so that files which are there need not be asked for again.
struct SSHKeyFiles {
    struct Files: Equatable {
        /// The private key, readable by its owner only.
        var identity: FilePath
        /// One line: the VM and the key that its server shows.
        var knownHosts: FilePath
    }

    /// Files of VMs that nobody has entered for so long are removed.
    private static let lifetime: TimeInterval = 30 * 86_400

    let directory: FilePath

    init(_ context: CommandContext) {
        let cache = context.environment["XDG_CACHE_HOME"].map { FilePath($0) }
        let root = cache.flatMap { $0.isAbsolute ? $0 : nil } ?? context.homePath.appending(".cache")
        directory = root.appending("vers").appending("ssh")
    }

    func files(of machine: MachineID) -> Files {
        Files(
            identity: directory.appending("\(machine).key"),
            knownHosts: directory.appending("\(machine).known_hosts")
        )
    }

    /// The files of a VM, made when they are not there.
    /// - Throws: `.incompatible` when the server does not say which key the VM shows.
    func prepare(_ machine: MachineID, client: VersClient) async throws -> Files {
        let files = files(of: machine)
        if touch(files.identity), touch(files.knownHosts) { return files }
        let keys = try await client.sshKey(of: machine)
        guard let hostKey = keys.ssh_host_key, !hostKey.contains(where: \.isNewline) else {
            throw VersError(
                .incompatible,
                "the server does not say which SSH key VM \(machine) shows",
                hint: "it is older than this client: compare `vers --version` with the server's"
            )
        }
        try UserDirectory.make(directory, mode: .ownerReadWriteExecute)
        removeOldFiles()
        try UserFile.replace(files.identity, with: keys.ssh_private_key, mode: .ownerReadWrite)
        try UserFile.replace(files.knownHosts, with: "\(machine) \(hostKey)\n", mode: .ownerReadWrite)
        return files
    }

    /// - Returns: whether the file is there, in use from now on.
    private func touch(_ path: FilePath) -> Bool { utimes(path.string, nil) == 0 }

    private func removeOldFiles() {
        let limit = Date(timeIntervalSinceNow: -Self.lifetime)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [] {
            let path = directory.appending(name).string
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let changed = attributes?[.modificationDate] as? Date, changed < limit else { continue }
            unlink(path)
        }
    }
}
