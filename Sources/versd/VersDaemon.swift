public import ArgumentParser
import Foundation
public import Logging
public import QEMU
import SystemPackage
import VersAPI
public import VersCore

/// The daemon that owns the VMs of one instance.
@main
struct VersDaemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versd",
        abstract: "Serve one instance of Vers: its VMs, commits and HTTP API.",
        discussion: """
            VMs outlive the daemon: when it starts, it takes over those that run; when it ends, they run on.

            Examples:
              versd --home /var/lib/vers --listen 127.0.0.1:8080
              versd --home ~/.local/share/vers            (any free port; `vers` finds it by the home)
            """,
        version: Version.current
    )

    @Option(
        help:
            "Directory that holds everything of the instance. Default: $VERS_HOME, else /var/lib/vers for root and ~/.local/share/vers for others."
    )
    var home: String?

    @Option(help: "Address and port of the HTTP API. Port 0 picks a free one.")
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
            "Guest memory: layers (shared between VMs, frozen by a fork), copy (slow: where QEMU cannot load the memory library) or automatic."
    )
    var memory: MemoryPreference = .automatic

    @Option(
        help: ArgumentHelp(
            "Who may ask for an account: closed (users whom the administrator added) or open (everybody, and the administrator decides).",
            valueName: "closed|open"
        )
    )
    var registration: RegistrationPolicy = .closed

    func validate() throws {
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
        do {
            let instance = try Instance(home: try Instance.home(given: home), logger: logger)
            try await Composition(
                instance: instance,
                listen: listen,
                accelerator: accelerator,
                memory: memory,
                standbyCount: standby,
                registration: registration,
                readyDescriptor: readyFD,
                logger: logger
            ).run()
        } catch let error as VersError {
            // The start of the daemon has no other reader than a person, or `vers` showing the log to one.
            let hint = error.hint.map { "\nhint: \($0)" } ?? ""
            FileHandle.standardError.write(Data("error: \(error.message)\(hint)\n".utf8))
            logger.debug("start failed", metadata: ["error": "\(error)"])
            throw ExitCode(error.code.exitStatus)
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension AcceleratorPreference: ExpressibleByArgument {}

extension MemoryPreference: ExpressibleByArgument {}

extension RegistrationPolicy: ExpressibleByArgument {}
