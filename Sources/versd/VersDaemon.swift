public import ArgumentParser
import Foundation
import Glibc
import HostNetwork
import HostSystem
public import Logging
public import QEMU
import SystemPackage
import VersAPI
public import VersCore

@main
enum Program {
    static func main() async {
        StandardStreams.openMissing()
        let given = Array(CommandLine.arguments.dropFirst())
        do {
            await VersDaemon.main(try OptionsFile.arguments(besides: given) + given)
        } catch let error as VersError {
            VersDaemon.exit(withError: VersDaemon.report(error))
        } catch {
            VersDaemon.exit(withError: error)
        }
    }
}

/// The daemon that owns the VMs of one instance.
struct VersDaemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versd",
        abstract: "Serve one instance of Vers: its VMs, commits and HTTP API.",
        discussion: """
            VMs outlive the daemon: when it starts, it takes over those that run; when it ends, they run on.

            Examples:
              versd --home /var/lib/vers --listen 127.0.0.1:8080
              versd --home ~/.local/share/vers            (any free port; `vers` finds it by the home)

            What is to hold whoever starts the daemon, as `vers` does, is written in versd.conf in its home: a line \
            `option = value` for each option, such as `domain = vms.example.com`. The command line wins.
            """,
        version: Version.current
    )

    @Option(
        help:
            "Directory that holds everything of the instance. Default: $VERS_HOME, else /var/lib/vers for root and ~/.local/share/vers for others."
    )
    var home: String?

    @Option(
        help: ArgumentHelp(
            "Address and port of the HTTP API. Port 0 picks a free one.",
            valueName: "address:port"
        )
    )
    var listen = ListenAddress(host: "127.0.0.1", port: 0)

    @Option(help: "Descriptor to write 'ready' and a newline to once the API answers.")
    var readyFD: Int32?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    @Option(
        help:
            "Processes kept ready for each size of VM that was asked for lately, so that the next one starts faster. 0 keeps none."
    )
    var standby = DomainConfiguration().standbyCount

    @Option(help: "Accelerator for guests: automatic, kvm or tcg.")
    var accelerator: AcceleratorPreference = .automatic

    @Option(
        help:
            "Guest memory: layers (shared between VMs), forks (the same without the kernel's tracking of writes, so that the pause of a branch grows with what was written), copy (slow: where QEMU cannot load the memory library) or automatic (layers or copy)."
    )
    var memory: MemoryPreference = .automatic

    @Option(
        help: ArgumentHelp(
            "Users that VMs run as, each as its own, when the daemon is root: the first and how many, or off. Default: 65536 that the home's path chooses.",
            valueName: "first:count|off"
        )
    )
    var machineUsers: MachineUsersOption?

    @Option(
        help: ArgumentHelp(
            "Who may ask for an account: closed (users whom the administrator added) or open (everybody, and the administrator decides).",
            valueName: "closed|open"
        )
    )
    var registration: RegistrationPolicy = .closed

    @Option(
        help: ArgumentHelp(
            "Block of addresses for private networks of VMs, which no other network that the host or a VM talks to may use.",
            valueName: "address/length"
        )
    )
    var guestNetwork = HostNetwork.Configuration.defaultBlock

    @Option(
        name: .customLong("guest-dns"),
        help: ArgumentHelp(
            "Name server for private networks of VMs; may be given several times. Default: the host's own.",
            valueName: "address"
        )
    )
    var resolvers: [IPv4Address] = []

    @Option(
        help: ArgumentHelp(
            "How long a VM that a connection has woken stays awake without one, if nothing else is said of it.",
            valueName: "seconds"
        )
    )
    var idleSleep = Int(DomainConfiguration().idleTime.components.seconds)

    @OptionGroup(title: "Front door")
    var frontDoor: FrontDoorOptions

    func validate() throws {
        let lengths = HostNetwork.Configuration.prefixLengths
        guard lengths.contains(guestNetwork.prefixLength) else {
            throw ValidationError(
                "invalid --guest-network \(guestNetwork): expected a length of \(lengths.lowerBound) to \(lengths.upperBound)"
            )
        }
        let idleTimes = DomainConfiguration.idleTimeoutSecondsRange
        guard idleTimes.contains(idleSleep) else {
            throw ValidationError(
                "invalid --idle-sleep \(idleSleep): expected \(idleTimes.lowerBound) to \(idleTimes.upperBound)"
            )
        }
        guard (0...64).contains(standby) else {
            throw ValidationError("invalid --standby \(standby): expected 0 to 64")
        }
    }

    func run() async throws {
        let level = logLevel
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "versd")
        raiseDescriptorLimit(logger)
        do {
            let instance = try Instance(home: try Instance.home(given: home), logger: logger)
            try await Composition(
                instance: instance,
                listen: listen,
                accelerator: accelerator,
                memory: memory,
                confinement: confinement(of: instance.layout),
                standbyCount: standby,
                registration: registration,
                guestNetwork: guestNetwork,
                resolvers: resolvers,
                frontDoor: frontDoor.configuration,
                idleTime: .seconds(idleSleep),
                readyDescriptor: readyFD,
                logger: logger
            ).run()
        } catch let error as VersError {
            logger.debug("start failed", metadata: ["error": "\(error)"])
            throw Self.report(error)
        }
    }

    /// Says why the daemon does not start: that has no other reader than a person, or `vers` showing the log to one.
    static func report(_ error: VersError) -> ExitCode {
        let hint = error.hint.map { "\nhint: \($0)" } ?? ""
        FileHandle.standardError.write(Data("error: \(error.message)\(hint)\n".utf8))
        return ExitCode(error.code.exitStatus)
    }
}

extension VersDaemon {
    /// Of a daemon that runs as root. What was asked for must be had.
    private func confinement(of layout: InstanceLayout) -> ConfinementPreference? {
        guard geteuid() == 0, machineUsers != .off else { return nil }
        let tag = String(String(StableHash.of(layout.home.string), radix: 16).suffix(6))
        return ConfinementPreference(
            ConfinementConfiguration(
                home: layout.home,
                machineRoots: [layout.machines, layout.standbys],
                sources: [layout.images, layout.importedImages, layout.commits],
                users: machineUsers?.range ?? MachineUserRange(home: layout.home),
                groupPrefix: "vers-\(tag)"
            ),
            isOptional: machineUsers == nil
        )
    }
}

/// What `--machine-users` says.
enum MachineUsersOption: ExpressibleByArgument, Equatable {
    case off
    case users(MachineUserRange)

    init?(argument: String) {
        if argument == "off" {
            self = .off
        } else if let range = MachineUserRange(argument) {
            self = .users(range)
        } else {
            return nil
        }
    }

    var range: MachineUserRange? {
        if case .users(let range) = self { range } else { nil }
    }
}

/// Every connection into a guest is a descriptor; shells allow 1,024 by default, and more for the asking.
private func raiseDescriptorLimit(_ logger: Logger) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    let wanted = min(limit.rlim_max, 65_536)
    guard limit.rlim_cur < wanted else { return }
    limit.rlim_cur = wanted
    if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
        logger.warning("the limit of open files could not be raised")
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension AcceleratorPreference: ExpressibleByArgument {}

extension IPv4Network: ExpressibleByArgument {}

extension IPv4Address: ExpressibleByArgument {}

extension MemoryPreference: ExpressibleByArgument {}

extension RegistrationPolicy: ExpressibleByArgument {}
