import ArgumentParser
import VersAPI
import VersClient

/// `vers checkout`.
struct Checkout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a VM HEAD; without one, check and print HEAD.",
        discussion: """
            EXAMPLES
              vers checkout web
              vers checkout
            """
    )

    @Argument(help: "A VM: alias, id or the first characters of it.", completion: .machines)
    var vm: String?
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var head: MachineID
        var state: MachineState
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let state = try await session.client.machine(id).state
            if vm != nil { try HeadFile(context).write(id) }
            try Rendering(json: Result(head: id, state: state)) {
                vm == nil ? "Current HEAD: \(id)" : "Switched to VM '\(session.name(of: id))'\nHEAD is now \(id)"
            }.write(to: context, format: format.format)
        }
    }
}
