public import SystemPackage
public import VersAPI

/// Where everything of one instance lies, below `VERS_HOME`.
public struct InstanceLayout: Sendable, Hashable {
    public let home: FilePath

    public init(home: FilePath) { self.home = home }

    public var database: FilePath { home.appending("vers.sqlite") }
    /// The owner's API key in clear, mode 0600.
    public var ownerKey: FilePath { home.appending("owner.key") }
    /// How to reach the daemon; present while one runs.
    public var daemonDescription: FilePath { home.appending("daemon.json") }
    /// The API's Unix socket.
    public var socket: FilePath { home.appending("versd.sock") }
    /// The front door's own certificate authority.
    public var certificateAuthority: FilePath { home.appending("ca") }
    /// Signs links to private VMs.
    public var frontDoorSecret: FilePath { home.appending("front-door-secret") }
    /// The port that the front door had last.
    public var frontDoorPort: FilePath { home.appending("front-door-port") }
    public var daemonLog: FilePath { home.appending("versd.log") }
    /// Locked by the one daemon that serves the instance.
    public var lock: FilePath { home.appending("lock") }
    public var images: FilePath { home.appending("images") }
    /// Of organisations, by their ids.
    public var importedImages: FilePath { home.appending("base-images") }
    public var commits: FilePath { home.appending("commits") }
    public var machines: FilePath { home.appending("vms") }
    /// Of processes that wait for a VM to become.
    public var standbys: FilePath { home.appending("standby") }

    public func directory(of machine: MachineID) -> FilePath { machines.appending(machine.text) }

    public func standbyDirectory(of machine: MachineID) -> FilePath { standbys.appending(machine.text) }

    public func directory(of image: BaseImageID) -> FilePath { importedImages.appending(image.text) }

    public func directory(of commit: CommitID) -> FilePath { commits.appending(commit.text) }

    public func file(_ file: LayerFile, of commit: CommitID) -> FilePath {
        directory(of: commit).appending(file.rawValue)
    }

    /// Where a VM's console may be: a machine that is confined writes to a directory of its own.
    public func consoles(of machine: MachineID) -> [FilePath] {
        ["run/console.log", "console.log"].map { directory(of: machine).pushing($0) }
    }
}
