import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import VersAPI
import VersClient

/// `vers ssh-proxy`: joins stdin and stdout to a VM's SSH server. What OpenSSH runs to connect.
struct SSHProxy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-proxy",
        abstract: "Join stdin and stdout to a VM's SSH server.",
        discussion: """
            Meant for ProxyCommand in OpenSSH's configuration; 'vers ssh-config' writes it.

            EXAMPLES
              ssh -o ProxyCommand='vers ssh-proxy web' root@web
            """,
        shouldDisplay: false
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Option(name: .long, help: "Connect to another port of the VM.")
    var port: UInt16 = 22
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard port != 0 else { throw VersError(.invalidArgument, "invalid --port 0: expected 1 to 65535") }
    }

    func run() async throws {
        let context = common.context
        let report = ConnectionReport(environment: context.environment)
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let dialer = try session.client.tunnels(through: try await session.door())
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let tunnel = try await dialer.open(.init(machine: id, port: port), on: loop)
            let local = try await Self.standardStreams(on: loop)
            let joined = Splice.join(local, tunnel) { end in
                // Before OpenSSH notices, which ends us.
                if end == .second { report?.note(.lost) }
            }
            try await joined.get()
        }
    }

    private static func standardStreams(on loop: any EventLoop) async throws -> any Channel {
        // The channel closes what it takes. OpenSSH learns from the end of our stdout that the way is lost, so nothing
        // else may keep that open: the number stays taken, by stderr.
        let input = dup(STDIN_FILENO)
        let output = dup(STDOUT_FILENO)
        guard input >= 0, output >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else {
            throw VersError(.internal, "stdin or stdout is closed")
        }
        do {
            return try await NIOPipeBootstrap(group: loop)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelOption(.autoRead, value: false)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try Splice.hold(channel) }
                }
                .takingOwnershipOfDescriptors(input: input, output: output)
                .get()
        } catch {
            close(input)
            close(output)
            throw VersError(
                .invalidArgument,
                "stdin and stdout must be pipes or sockets, as OpenSSH's ProxyCommand has them",
                cause: error
            )
        }
    }
}

/// What a session's proxy and OpenSSH tell the `vers` that started them, as files in a directory of its own.
struct ConnectionReport: Sendable {
    enum Event: String, CaseIterable {
        /// A shell or a command was reached.
        case session
        /// The way to the VM ended before the session did.
        case lost
    }

    static let variable = "VERS_SSH_REPORT"

    let directory: String

    /// The directory that the starting `vers` named; nil when there is none.
    init?(environment: [String: String]) {
        guard let directory = environment[Self.variable], !directory.isEmpty else { return nil }
        self.directory = directory
    }

    /// A new directory.
    init() throws {
        var template = Array("\(NSTemporaryDirectory())/vers-ssh.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw VersError(.internal, "cannot make a directory in \(NSTemporaryDirectory())")
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func note(_ event: Event) { _ = FileManager.default.createFile(atPath: path(of: event), contents: nil) }

    func has(_ event: Event) -> Bool { access(path(of: event), F_OK) == 0 }

    func path(of event: Event) -> String { "\(directory)/\(event.rawValue)" }

    func clear() { for event in Event.allCases { unlink(path(of: event)) } }

    func remove() {
        clear()
        rmdir(directory)
    }
}
