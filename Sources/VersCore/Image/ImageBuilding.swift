public import SystemPackage
public import VersAPI

/// Makes root disks out of container images, in a process of its own: what an archive says is not to be trusted, and a
/// crash over it must not be the daemon's.
public protocol ImageBuilding: Sendable {
    /// Makes the files of ``ImageBuildFile`` in `request.directory`. Returns when they are on stable storage.
    /// - Parameter progress: told of every phase as it begins.
    /// - Throws: ``VersError``; what is in the directory then does not matter.
    func build(
        _ request: ImageBuildRequest,
        progress: @escaping @Sendable (ImageBuildPhase) async -> Void
    ) async throws -> BuiltImage
}

public struct ImageBuildRequest: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        case archive(FilePath)
        /// Docker's way to name an image in a registry.
        case reference(String)
    }

    public enum Size: Sendable, Equatable {
        /// MiB beyond the content.
        case extra(Int)
        /// The default of an upload: a least size, and some room in any case.
        case atLeast(Int, extra: Int)
        case exactly(Int)
    }

    public var source: Source
    /// Exists, and is the build's alone.
    public var directory: FilePath
    public var size: Size
    /// Of the files of the image, and of each intermediate file.
    public var contentLimitMiB: Int

    public init(source: Source, directory: FilePath, size: Size, contentLimitMiB: Int) {
        self.source = source
        self.directory = directory
        self.size = size
        self.contentLimitMiB = contentLimitMiB
    }
}

/// What a build makes.
public enum ImageBuildFile {
    /// The root disk.
    public static let disk = "root.raw"
    /// An archive for the initramfs, with what the agent must know.
    public static let workload = "workload.cpio"
}

public enum ImageBuildPhase: String, Codable, Sendable, CaseIterable {
    /// From the registry.
    case fetching
    /// Reading layers.
    case unpacking
    /// Writing the disk.
    case writing
}

public struct BuiltImage: Codable, Sendable, Equatable {
    public var diskMiB: Int
    /// The path of the image's init; nil when the agent runs its command.
    public var initPath: String?
    public var configuration: ImageConfiguration

    public init(diskMiB: Int, initPath: String?, configuration: ImageConfiguration) {
        self.diskMiB = diskMiB
        self.initPath = initPath
        self.configuration = configuration
    }

    /// Whether the agent has a command to run.
    public var hasWorkload: Bool { initPath == nil && !configuration.arguments.isEmpty }
}

/// What the building process tells, a line of JSON each; the last is an image or an error.
public struct ImageBuildEvent: Codable, Sendable {
    public var phase: ImageBuildPhase?
    public var image: BuiltImage?
    public var error: ErrorBody?

    public init(phase: ImageBuildPhase? = nil, image: BuiltImage? = nil, error: ErrorBody? = nil) {
        self.phase = phase
        self.image = image
        self.error = error
    }
}
