import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers logs`: the serial console.
struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what a VM wrote on its console.",
        discussion: """
            --follow goes on until interrupted or until the VM is deleted, also across restarts of the VM and of the \
            server.

            EXAMPLES
              vers logs
              vers logs web -f
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Flag(name: .shortAndLong, help: "Go on with new output until interrupted.")
    var follow = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            if follow {
                try await context.output.whileRead { try await followConsole(of: id, session) }
            } else {
                try await printConsole(of: id, session)
            }
        }
    }

    private func printConsole(of id: MachineID, _ session: Session) async throws {
        var offset: UInt64 = 0
        while true {
            let chunk = try await session.client.console(of: id, offset: offset)
            guard !chunk.bytes.isEmpty else {
                if offset == 0 { try await explainSilence(of: id, session) }
                return
            }
            try session.context.output.stream(chunk.bytes)
            offset = chunk.nextOffset
        }
    }

    /// A VM that failed before it wrote anything has its reason elsewhere.
    private func explainSilence(of id: MachineID, _ session: Session) async throws {
        let vm = try await session.client.machine(id)
        guard let reason = vm.state_reason else { return }
        let text = "VM '\(session.name(of: id))' has written nothing and is \(vm.state): \(reason)"
        session.context.note(text.withoutControlCharacters)
    }

    private func followConsole(of id: MachineID, _ session: Session) async throws {
        var offset: UInt64 = 0
        var delays = Reconnection.delays[...]
        while true {
            do {
                for try await chunk in try await session.client.followConsole(of: id, offset: offset) {
                    try session.context.output.stream(chunk.bytes)
                    offset = chunk.nextOffset
                    delays = Reconnection.delays[...]
                }
                session.context.note("VM '\(session.name(of: id))' is no more")
                return
            } catch let error as VersError where [.unavailable, .unreachable].contains(error.code) {
                guard let delay = delays.popFirst() else { throw error }
                session.context.debug("connecting again: \(error.message)")
                try await Task.sleep(for: delay)
            }
        }
    }
}
