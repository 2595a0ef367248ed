import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers tunnel`: ports of this machine that lead into a VM, and the reverse.
struct Tunnel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Forward local ports into a VM, or ports of a VM to this machine.",
        discussion: """
            Listens on 127.0.0.1 until Ctrl-C and connects to the VM's port, or to a host and port as the VM sees \
            them. Port 0 takes a free one, and says which. The listener stays when the VM is paused or the server \
            restarts: connections wait until the VM is back.

            With -R it is the VM that listens, and this machine that is connected to; that needs ssh.

            EXAMPLES
              vers tunnel web 8080:80
              vers tunnel web 5432:5432 0:db.internal:3306
              vers tunnel -R web 9000:3000
            """
    )

    @Flag(name: [.customShort("R"), .long], help: "The VM listens, and this machine is connected to.")
    var reverse = false
    @OptionGroup var common: CommonOptions
    @Argument(
        help: ArgumentHelp(
            "A VM (HEAD when absent) and what to forward, once or more.",
            valueName: "[vm] local:[host:]remote..."
        ),
        completion: .machines
    )
    var words: [String] = []

    private var forwardings: ArraySlice<String> {
        guard let first = words.first, !TunnelSpecification.isOne(first) else { return words[...] }
        return words.dropFirst()
    }

    func validate() throws {
        guard !forwardings.isEmpty else {
            throw VersError(
                .invalidArgument,
                "nothing to forward",
                hint: "usage: vers tunnel [vm] <local>:<remote> | <local>:<host>:<remote> ..."
            )
        }
        for text in forwardings { _ = try TunnelSpecification(text) }
    }

    func run() async throws {
        let context = common.context
        let specifications = try forwardings.map { try TunnelSpecification($0) }
        let vm = forwardings.count == words.count ? nil : words.first
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            try await MachineWaker(session: session).wake(id)
            if reverse {
                try await listen(for: specifications, in: id, session: session)
            } else {
                try await TunnelListeners(session: session, machine: id).run(specifications)
            }
        }
    }

    /// By `ssh -R`, which says itself which port 0 became.
    private func listen(
        for specifications: [TunnelSpecification],
        in machine: MachineID,
        session: Session
    ) async throws {
        let name = session.name(of: machine)
        for one in specifications where one.listening != 0 {
            session.context.note(
                "Forwarding \(name):\(one.listening) -> \(one.host ?? "localhost"):\(one.target); Ctrl-C ends"
            )
        }
        let forwardings = specifications.flatMap { ["-R", $0.sshForwarding] }
        let options = ["-N", "-n", "-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=INFO"] + forwardings
        throw ExitCode(
            try await SSHSession(session: session, machine: machine, reconnects: true).run(options: options)
        )
    }
}
