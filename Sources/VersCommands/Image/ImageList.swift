import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers image list`.
struct ImageList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List images: your organisation's, then those that are installed.",
        discussion: """
            EXAMPLES
              vers image list
              vers image list -q
            """,
        aliases: ["ls"]
    )

    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let images = try await session.client.allImages()
            try Rendering(json: images, ids: images.map(\.base_image_id.text)) {
                Self.text(of: images, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    static func text(of images: [BaseImageInfo], for stream: TerminalStream) -> String {
        guard !images.isEmpty else { return "No images found." }
        var table = Table([
            .init("NAME", minimumWidth: 12), .init("IMAGE ID", minimumWidth: 36), .init("STATUS", minimumWidth: 8),
            .init("SIZE", minimumWidth: 9), .init("SOURCE", minimumWidth: 7), .init("CREATED"),
        ])
        for image in images {
            table.append([
                StyledText(image.image_name),
                StyledText(image.base_image_id.text),
                StyledText(image.status.rawValue, image.status.style),
                StyledText(image.size_mib > 0 ? "\(image.size_mib) MiB" : "-"),
                StyledText(image.source_type.rawValue),
                StyledText(Timestamp.short(image.created_at)),
            ])
        }
        return table.rendered(for: stream)
    }
}

extension ImageStatus {
    var style: Style {
        switch self {
        case .ready: .green
        case .failed: .red
        default: .cyan
        }
    }
}
