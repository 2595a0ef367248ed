import ArgumentParser
import Foundation
import TerminalUI
import VersAPI
import VersClient

/// `vers open`: a VM in the browser.
struct Open: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a VM's URL, and open it in the browser.",
        discussion: """
            Opens a browser when there is a display and the output is a terminal. For a private VM the URL has a link \
            in it that works for an hour. The browser has to trust the instance's authority: see 'vers trust'.

            EXAMPLES
              vers open web
              vers open web 8080
              vers open --print
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Argument(help: "The guest's port. Default: 80.")
    var port: UInt16?
    @Flag(help: "Only print the URL.")
    var print = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var url: String
    }

    func validate() throws {
        guard port != 0 else { throw ValidationError("invalid port 0: expected 1 to 65535") }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let url = try await url(of: id, session)
            try Rendering(json: Result(vm_id: id, url: url)) { url }.write(to: context, format: format.format)
            if !print, format.format == nil { try Browser(context: context)?.open(url) }
        }
    }

    private func url(of id: MachineID, _ session: Session) async throws -> String {
        if try await session.client.exposure(of: id).is_private {
            return try await session.client.createLink(to: id, LinkRequest(port: port)).url
        }
        let door = try await session.client.frontDoor()
        guard let url = door.url(of: id, port: port) else {
            throw VersError(
                .unavailable,
                "the front door does not listen: \(door.problem ?? "it is switched off")",
                hint: "look at it with: vers doctor"
            )
        }
        return url
    }
}

/// The user's browser, where there is one to be seen.
struct Browser {
    private let executable: String

    /// Nil without a display, a terminal, or `xdg-open`.
    init?(context: CommandContext) {
        let environment = context.environment
        let hasDisplay = ["DISPLAY", "WAYLAND_DISPLAY"].contains { !(environment[$0] ?? "").isEmpty }
        guard context.outputStream.isTerminal, hasDisplay,
            let executable = ExecutableSearch.find("xdg-open", path: environment["PATH"] ?? "")
        else { return nil }
        self.executable = executable
    }

    /// Does not wait for it.
    func open(_ url: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = [url]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw VersError(.internal, "\(executable) does not run", hint: "open the address by hand", cause: error)
        }
    }
}
