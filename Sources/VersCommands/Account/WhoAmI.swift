import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers whoami`.
struct WhoAmI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Show whom the API key stands for, and its limits.",
        discussion: """
            EXAMPLES
              vers whoami
              vers whoami --format json
            """
    )

    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let answer = try await session.client.whoAmI()
            try Rendering(json: answer) { Self.text(of: answer) }.write(to: context, format: format.format)
        }
    }

    static func text(of answer: WhoAmIResponse) -> String {
        let key = answer.api_key
        let limits = [
            key.max_memory_mib.map { "\($0) MiB of memory" }, key.max_vcpus.map { "\($0) vCPUs" },
            key.max_vms.map { "\($0) VMs" },
        ].compactMap(\.self)
        var lines = [
            "User:         \(answer.user.user_name) <\(answer.user.email)>",
            "Organisation: \(answer.org.name) (\(answer.org.role?.rawValue ?? "no role"))",
            "API key:      \(key.id) '\(key.label.withoutControlCharacters)'"
                + (key.is_administrator ? ", administrator" : ""),
        ]
        if let expiry = key.expires_at { lines.append("Expires:      \(Timestamp.short(expiry))") }
        if !limits.isEmpty { lines.append("Limits:       \(limits.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }
}
