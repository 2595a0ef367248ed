import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers image status`.
struct ImageStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how far the making of an image is, and why it failed.",
        discussion: """
            EXAMPLES
              vers image status app
              vers image status app --format json
            """
    )

    @Argument(help: "The image's name.", completion: .images)
    var name: String
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let status = try await session.client.imageStatus(name)
            try Rendering(json: status, ids: [status.base_image_id.text]) {
                let lines = [
                    "Image:    \(status.image_name)",
                    "Image ID: \(status.base_image_id)",
                    "Status:   \(status.status)",
                    status.size_mib > 0 ? "Disk:     \(status.size_mib) MiB" : nil,
                    status.error_message.map { "Error:    \($0.withoutControlCharacters)" },
                ]
                return lines.compactMap(\.self).joined(separator: "\n")
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
