import ArgumentParser
import VersAPI
import VersClient

/// What `pause`, `resume`, `stop` and `start` share: one VM, one state to ask for.
struct StateChange: ParsableArguments {
    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var state: RequestedState
    }

    /// Asks for the state and reports it.
    /// - Parameters:
    ///   - doing: what is happening, for the progress line: "pausing".
    ///   - done: what happened, for the result: "paused".
    func request(_ state: RequestedState, doing: String, done: String) async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let name = session.name(of: id)
            try await context.serverWork("\(doing) \(name)") {
                try await session.client.setState(of: id, to: state)
            }
            try Rendering(json: Result(vm_id: id, state: state)) {
                "\u{2713} VM '\(name)' \(done)\nState: \(state.rawValue)"
            }.write(to: context, format: format.format)
        }
    }
}

/// `vers pause`.
struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Freeze a VM's CPUs; its memory stays.",
        discussion: """
            EXAMPLES
              vers pause
              vers pause web
            """
    )

    @OptionGroup var change: StateChange

    func run() async throws { try await change.request(.paused, doing: "pausing", done: "paused") }
}

/// `vers resume`.
struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a paused VM run on where it was.",
        discussion: """
            EXAMPLES
              vers resume
              vers resume web
            """
    )

    @Flag(name: .long, help: "Wait until the VM is running; that is what happens without it, too.")
    var wait = false
    @OptionGroup var change: StateChange

    func run() async throws { try await change.request(.running, doing: "resuming", done: "resumed") }
}

/// `vers stop`.
struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shut a VM down; its disk stays, its memory is lost.",
        discussion: """
            The next 'vers start' boots from the disk. To keep memory, use 'vers pause' or 'vers commit'.

            EXAMPLES
              vers stop web
              vers start web
            """
    )

    @OptionGroup var change: StateChange

    func run() async throws { try await change.request(.stopped, doing: "stopping", done: "stopped") }
}

/// `vers start`.
struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Boot a stopped VM from its disk.",
        discussion: """
            Also brings back a sleeping or dead VM, and lets a paused one run on.

            EXAMPLES
              vers start web
            """
    )

    @Flag(name: .long, help: "Wait until the VM is running; that is what happens without it, too.")
    var wait = false
    @OptionGroup var change: StateChange

    func run() async throws { try await change.request(.running, doing: "starting", done: "started") }
}
