import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers image delete`.
struct ImageDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete images that no VM and no commit rests on.",
        discussion: """
            Of several images, those that can be deleted are, and every failure is reported.

            EXAMPLES
              vers image delete app
            """,
        aliases: ["rm"]
    )

    @Argument(help: "Images: their names, their ids, or the first characters of those.", completion: .images)
    var images: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var deleted: [BaseImageID] = []
        var failed: [Delete.Failure] = []
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            var result = Result()
            for text in images {
                do {
                    let id = try await Self.resolve(text, session.client)
                    if result.deleted.contains(id) { continue }
                    try await session.client.deleteImage(id)
                    result.deleted.append(id)
                } catch let error as VersError {
                    context.note("\u{2717} image '\(text.withoutControlCharacters)' not deleted")
                    context.report(error)
                    result.failed.append(
                        .init(target: text, error: error.message, code: error.code, hint: error.hint)
                    )
                }
            }
            if format.format != nil || !result.deleted.isEmpty {
                let deleted = result.deleted
                try Rendering(json: result) {
                    deleted.map { "\u{2713} Image '\($0)' deleted" }.joined(separator: "\n")
                }.write(to: context, format: format.format)
            }
            if let code = result.failed.first?.code { throw ExitCode(code.exitStatus) }
        }
    }

    /// A name wins over the beginning of an id.
    private static func resolve(_ text: String, _ client: VersClient) async throws -> BaseImageID {
        if let id = BaseImageID(text) { return id }
        let images = try await client.allImages()
        if let named = images.first(where: { $0.image_name == text }) { return named.base_image_id }
        return try Resolver.pick(text, among: images.map(\.base_image_id), as: .image)
    }
}
