import AsyncHTTPClient
import Foundation
import HostSystem
import NIOCore
import SystemPackage
import VersAPI
public import VersCore

/// The whole way from an archive or a reference to the files of an image.
public struct ImageBuild: Sendable {
    private static let architecture = "amd64"
    private static let connectTimeout = TimeAmount.seconds(10)
    /// Between two pieces of a blob.
    private static let readTimeout = TimeAmount.seconds(60)

    public var request: ImageBuildRequest
    /// The largest disk.
    public var maximumMiB: Int
    /// Registries that are spoken to without TLS, as `host:port`, besides those on the loopback.
    public var insecureRegistries: Set<String>

    public init(_ request: ImageBuildRequest, maximumMiB: Int, insecureRegistries: Set<String> = []) {
        self.request = request
        self.maximumMiB = maximumMiB
        self.insecureRegistries = insecureRegistries
    }

    public func run(progress: @escaping @Sendable (ImageBuildPhase) -> Void) async throws -> BuiltImage {
        let scratch = request.directory.appending("scratch")
        try FileManager.default.createDirectory(atPath: scratch.string, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: scratch.string) }
        let limits = ArchiveLimits(contentBytes: Int64(request.contentLimitMiB) << 20)
        let source: SourceImage
        switch request.source {
        case .archive(let file):
            progress(.unpacking)
            source = try Self.open(file, scratch: scratch, limits: limits)
        case .reference(let text):
            progress(.fetching)
            source = try await fetch(try ImageReference(text), into: scratch, limits: limits)
            progress(.unpacking)
        }
        let tree = try Self.unpack(source, scratch: scratch, limits: limits)
        progress(.writing)
        return try write(tree, source.configuration)
    }

    private static func open(_ file: FilePath, scratch: FilePath, limits: ArchiveLimits) throws -> SourceImage {
        let budget = ArchiveBudget(limits)
        let whole = try SourceFile(file).whole
        let archive = try LayerSpool(directory: scratch, budget: budget).open(archive: whole)
        return try ArchiveImage(archive, architecture: architecture, budget: budget).image()
    }

    private func fetch(
        _ reference: ImageReference,
        into scratch: FilePath,
        limits: ArchiveLimits
    ) async throws -> SourceImage {
        var options = HTTPClient.Configuration()
        options.redirectConfiguration = .disallow
        options.timeout.connect = Self.connectTimeout
        options.timeout.read = Self.readTimeout
        options.httpVersion = .http1Only
        // Refused means refused: repetition is the registry client's business.
        options.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: options)
        let isPlain = reference.isLoopback || insecureRegistries.contains(reference.host)
        let registry = RegistryClient(reference, isPlain: isPlain, client: client, limits: limits)
        do {
            let image = try await registry.fetch(architecture: Self.architecture, into: scratch)
            try await client.shutdown()
            return image
        } catch {
            // The first error is the one that matters.
            try? await client.shutdown()
            throw error
        }
    }

    private static func unpack(_ image: SourceImage, scratch: FilePath, limits: ArchiveLimits) throws -> FileTree {
        guard image.layers.count <= limits.layers else {
            throw VersError(
                .payloadTooLarge,
                "the image has \(image.layers.count) layers: expected at most \(limits.layers)"
            )
        }
        let budget = ArchiveBudget(limits)
        let spool = LayerSpool(directory: scratch, budget: budget)
        let tree = FileTree()
        for (index, layer) in image.layers.enumerated() {
            let content = try spool.open(layer, number: index + 1)
            try LayerApplier(tree, layer: index, budget: budget).apply(content, needsEndMark: image.isPlainRoot)
        }
        return tree
    }

    private func write(_ tree: FileTree, _ configuration: ImageConfiguration) throws -> BuiltImage {
        let initPath = InitChoice.path(in: tree, configuration)
        let workload = try WorkloadFile(configuration, initPath: initPath).archive
        let disk = request.directory.appending(ImageBuildFile.disk)
        let sizeMiB = try DiskWriter(tree).write(disk, size: request.size, maximumMiB: maximumMiB)
        try DurableFile.sync(file: disk)
        try DurableFile.write(workload, to: request.directory.appending(ImageBuildFile.workload))
        return BuiltImage(diskMiB: sizeMiB, initPath: initPath, configuration: configuration)
    }
}
