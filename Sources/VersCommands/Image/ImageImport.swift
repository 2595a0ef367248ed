import ArgumentParser
import Foundation
import SystemPackage
import VersAPI
import VersClient

/// `vers image import`.
struct ImageImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make an image from an archive or from a registry.",
        discussion: """
            An archive is what 'docker save' writes, an OCI layout as a tar, or the tar of a root file system, plain \
            or compressed; it is a file. Anything else is the name of an image in a registry, as docker has it, which \
            the server fetches. Returns when the image is ready.

            EXAMPLES
              docker save app | gzip >app.tar.gz && vers image import app.tar.gz
              vers image import app.tar.gz --name app-2 --size-mib 4096
              vers image import registry.example.com/team/app:1.2 --name app
            """
    )

    /// The API has no notice of progress, so it is asked again after this long.
    private static let interval = Duration.milliseconds(250)

    @Argument(help: ArgumentHelp("A file, or the name of an image in a registry.", valueName: "archive-or-reference"))
    var source: String
    @Option(name: .shortAndLong, help: "A name for the image; by default that of the file or of the repository.")
    var name: String?
    @Option(
        name: .long,
        parsing: .unconditional,
        help: ArgumentHelp(
            "MiB: of an archive's disk in all (512 to 32768); of a registry's beyond its content.",
            valueName: "n"
        )
    )
    var sizeMib: Int?
    @Option(name: .shortAndLong, help: "What it is (for an image from a registry).")
    var description: String?
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var image_id: BaseImageID
        var image_name: String
        var size_mib: Int
        var status: ImageStatus
    }

    func run() async throws {
        let context = common.context
        let file = context.workingPath.pushing(FilePath(source))
        let isFile = try Self.isFile(source, file)
        let name = name ?? Self.defaultName(of: source, isFile: isFile)
        try await context.withSession { session in
            let job = try await begin(session, name: name, file: isFile ? file : nil)
            let status = try await Self.wait(for: job, session)
            guard status.status == .ready else {
                throw VersError(
                    status.error_code ?? .internal,
                    "image '\(name)' could not be made: \(status.error_message ?? "unknown")",
                    hint: "its name is free again: import it once more when that is mended"
                )
            }
            let result = Result(
                image_id: status.base_image_id,
                image_name: status.image_name,
                size_mib: status.size_mib,
                status: status.status
            )
            try Rendering(json: result, ids: [result.image_id.text]) {
                "\u{2713} Image '\(name)' is ready (\(status.size_mib) MiB)\nImage ID: \(status.base_image_id)\n"
                    + "Start a VM from it: vers run --rootfs \(name)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private func begin(_ session: Session, name: String, file: FilePath?) async throws -> ImageJobResponse {
        guard let file else {
            let request = ImageCreateRequest(
                image_name: name,
                source: .init(type: .docker, image_ref: source),
                size_mib: sizeMib,
                description: description
            )
            return try await session.client.createImage(request)
        }
        return try await session.context.progress("uploading \(source)") {
            try await session.client.uploadImage(file, name: name, sizeMiB: sizeMib)
        }
    }

    /// Shows each phase while it lasts.
    private static func wait(for job: ImageJobResponse, _ session: Session) async throws -> ImageStatusResponse {
        var phase = job.status
        while true {
            let shown = phase
            let next = try await session.context.progress("image \(job.image_name): \(shown)") {
                while true {
                    let status = try await session.client.imageStatus(job.image_name)
                    if status.status != shown || status.status.isFinal { return status }
                    try await Task.sleep(for: interval)
                }
            }
            if next.status.isFinal { return next }
            phase = next.status
        }
    }

    /// - Throws: `.invalidArgument` for what names nothing, `.notFound` for what looks like a path and leads to no file.
    private static func isFile(_ text: String, _ file: FilePath) throws -> Bool {
        guard !text.allSatisfy(\.isWhitespace) else {
            throw VersError(
                .invalidArgument,
                "nothing to import: expected an archive's file or the name of an image in a registry, not ''"
            )
        }
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: file.string, isDirectory: &isDirectory) {
            guard !isDirectory.boolValue else {
                throw VersError(
                    .invalidArgument,
                    "'\(text)' is a directory: expected an archive",
                    hint: "pack an OCI layout first: tar -C \(text) -cf image.tar ."
                )
            }
            return true
        }
        let endings = [".tar", ".tgz", ".gz", ".zst"]
        guard !["/", "./", "../", "~"].contains(where: text.hasPrefix), !endings.contains(where: text.hasSuffix) else {
            throw VersError(.notFound, "file '\(text)' not found")
        }
        return false
    }

    /// `app` of `dir/app.tar.gz` and of `registry/team/app:1.2`.
    static func defaultName(of source: String, isFile: Bool) -> String {
        var name = source.split(separator: "/").last.map(String.init) ?? source
        if isFile {
            for ending in [".gz", ".zst", ".tgz", ".tar"] where name.hasSuffix(ending) {
                name.removeLast(ending.count)
            }
        } else {
            name = String(name.prefix { $0 != ":" && $0 != "@" })
        }
        return name
    }
}
