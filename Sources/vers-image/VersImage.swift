import ArgumentParser
import Foundation
import HostSystem
import ImageArchive
import SystemPackage
import VersAPI
import VersCore

/// The process in which `versd` has an image built. It says on stdout, in lines of JSON, how far it is.
@main
struct VersImage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vers-image",
        abstract: "Make a root disk out of a container image, without privileges.",
        discussion: """
            Writes root.raw and workload.cpio into DIRECTORY, which must exist. 'versd' runs it; by hand it is good \
            for looking at what an archive becomes:

              vers-image --archive app.tar --extra-mib 0 --limit-mib 4096 /tmp/out && debugfs /tmp/out/root.raw
            """
    )

    private static let niceness: Int32 = 10
    /// What the kernel adds to its share of the memory, in thousandths, when it looks for what to end.
    private static let memoryPenalty = 500

    @Option(help: "What 'docker save' wrote, an OCI layout as a tar, or a root file system; plain or compressed.")
    var archive: String?
    @Option(help: "An image in a registry, as docker names it.")
    var reference: String?
    @Option(help: "MiB of the disk beyond the content.")
    var extraMib: Int?
    @Option(help: "MiB that the disk has at least.")
    var leastMib: Int?
    @Option(help: "MiB that the disk has.")
    var sizeMib: Int?
    @Option(help: "MiB that the image's files may take.")
    var limitMib: Int
    @Option(help: "MiB that the disk may have.")
    var maximumMib = 32768
    @Flag(help: "End when stdin does: whoever holds its other end is gone.")
    var untilStdinEnds = false
    @Argument(help: "Where to put the files.")
    var directory: String

    func run() async throws {
        if untilStdinEnds {
            Self.watchStdin()
            // Running VMs come first.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            try? HostFile.overwrite("/proc/self/oom_score_adj", with: "\(Self.memoryPenalty)")
        }
        do {
            let source: ImageBuildRequest.Source
            switch (archive, reference) {
            case (let archive?, nil): source = .archive(FilePath(archive))
            case (nil, let reference?): source = .reference(reference)
            default: throw VersError(.invalidArgument, "expected either --archive or --reference")
            }
            let request = ImageBuildRequest(
                source: source,
                directory: FilePath(directory),
                size: size,
                contentLimitMiB: limitMib
            )
            let build = ImageBuild(request, maximumMiB: maximumMib, insecureRegistries: insecureRegistries)
            let image = try await build.run { Self.tell(ImageBuildEvent(phase: $0)) }
            Self.tell(ImageBuildEvent(image: image))
        } catch {
            Self.tell(ImageBuildEvent(error: ErrorBody(Self.explain(error))))
            throw ExitCode.failure
        }
    }

    /// A thread of its own: the others are busy with the image.
    private static func watchStdin() {
        let thread = Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { _exit(1) }
            }
        }
        thread.start()
    }

    private var size: ImageBuildRequest.Size {
        if let sizeMib { return .exactly(sizeMib) }
        if let leastMib { return .atLeast(leastMib, extra: extraMib ?? 0) }
        return .extra(extraMib ?? 0)
    }

    private var insecureRegistries: Set<String> {
        let text = ProcessInfo.processInfo.environment["VERS_INSECURE_REGISTRIES"] ?? ""
        return Set(text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init))
    }

    private static func explain(_ error: any Error) -> VersError {
        switch error {
        case let error as VersError: error
        case let error as HostError where error.errno == .noSpace: full
        case let error as Errno where error == .noSpace: full
        default: VersError(.internal, "the image could not be built: \(error)", cause: error)
        }
    }

    private static let full = VersError(
        .resourceExhausted,
        "the host's disk is full",
        hint: "delete VMs, commits or images that you no longer need"
    )

    private static func tell(_ event: ImageBuildEvent) {
        guard let line = try? JSONCoding.encode(event) else { return }
        FileHandle.standardOutput.write(line + Data("\n".utf8))
    }
}
