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
                Self.listing.text(of: images, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<BaseImageInfo> {
        Listing(
            none: "No images found.",
            [
                .init("NAME", width: 12) { $0.image_name },
                .init("IMAGE ID", width: 36) { $0.base_image_id.text },
                .init("STATUS", width: 8, style: { $0.status.style }) { $0.status.rawValue },
                .init("SIZE", width: 9) { $0.size_mib > 0 ? "\($0.size_mib) MiB" : "-" },
                .init("SOURCE", width: 7) { $0.source_type.rawValue },
                .init("CREATED") { Timestamp.short($0.created_at) },
            ]
        )
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
