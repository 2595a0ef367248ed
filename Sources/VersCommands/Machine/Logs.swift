import ArgumentParser
import VersAPI
import VersClient

/// `vers logs`: the serial console.
struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what a VM wrote on its console.",
        discussion: """
            EXAMPLES
              vers logs
              vers logs web -f
            """
    )

    /// The API has no notice of new output, so following asks again after this long.
    private static let followInterval = Duration.milliseconds(500)

    @Argument(help: "A VM: alias, id or the first characters of it; HEAD when absent.")
    var vm: String?
    @Flag(name: .shortAndLong, help: "Go on with new output until interrupted.")
    var follow = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            var offset: UInt64 = 0
            while true {
                let chunk = try await session.client.console(of: id, offset: offset)
                if !chunk.bytes.isEmpty {
                    context.output.write(chunk.bytes)
                    offset = chunk.nextOffset
                    continue
                }
                guard follow else { return }
                try await Task.sleep(for: Self.followInterval)
            }
        }
    }
}
