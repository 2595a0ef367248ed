import ArgumentParser
import VersAPI
import VersClient

/// `vers wake`: whether connections wake a VM.
struct Wake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether connections wake a VM that is paused or asleep.",
        discussion: """
            With 'on', a connection to the VM is held while the VM wakes, and the VM returns to the state it was in when \
            nobody has been connected for a while: --idle-timeout, or else what versd was given as --idle-sleep (300 \
            s). Commands that are followed count as connections. A VM that you resume yourself runs on. Branches do as \
            their parent.

            EXAMPLES
              vers wake on
              vers wake on web --idle-timeout 10m
              vers wake off web
            """
    )

    enum Choice: String, ExpressibleByArgument, CaseIterable {
        case on
        case off
    }

    @Argument(help: "on or off.")
    var choice: Choice
    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @OptionGroup var idleTimeout: IdleTimeoutOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var wake_on_traffic: Bool
    }

    func validate() throws { try idleTimeout.check(wakesOnTraffic: choice == .on) }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            try await session.client.setWakesOnTraffic(
                choice == .on,
                idleTimeoutSeconds: idleTimeout.seconds,
                of: id
            )
            let name = session.name(of: id)
            try Rendering(json: Result(vm_id: id, wake_on_traffic: choice == .on)) {
                choice == .on ? "Connections wake VM '\(name)'" : "Connections do not wake VM '\(name)'"
            }.write(to: context, format: format.format)
        }
    }
}
