import Foundation
import HostSystem
import KeyMaterial
import SystemPackage
import VersAPI
import VersCore

@testable import ImageArchive

/// A directory of a test's own, and what is made in it.
struct Scratch {
    let path: FilePath

    static func run(_ body: (Scratch) async throws -> Void) async throws {
        let path = FilePath(FileManager.default.temporaryDirectory.path).appending("vers-images-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path.string) }
        try await body(Scratch(path: path))
    }

    func file(_ bytes: [UInt8], _ name: String = UUID().uuidString) throws -> FilePath {
        let file = path.appending(name)
        try HostFile.create(file, bytes: bytes)
        return file
    }

    func range(_ bytes: [UInt8]) throws -> FileRange { try SourceFile(try file(bytes)).whole }

    func entries(_ archive: [UInt8], limits: ArchiveLimits = ArchiveLimits(contentBytes: 1 << 30)) throws -> [TarEntry]
    {
        var reader = TarReader(try range(archive), budget: ArchiveBudget(limits))
        var entries: [TarEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    /// Runs a program of the host and returns what it wrote.
    @discardableResult
    func run(_ tool: String, _ arguments: [String]) throws -> String {
        guard let program = HostTool(tool) else { throw VersError(.notFound, "no \(tool)") }
        var output: [UInt8] = []
        try program.run(arguments) { output += $0 }
        return String(decoding: output, as: UTF8.self)
    }

    /// Builds an image into a directory of its own.
    func build(
        _ source: ImageBuildRequest.Source,
        size: ImageBuildRequest.Size = .extra(0),
        limitMiB: Int = 64,
        maximumMiB: Int = 1024
    ) async throws -> (image: BuiltImage, directory: FilePath) {
        let directory = path.appending("build-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let request = ImageBuildRequest(
            source: source,
            directory: directory,
            size: size,
            contentLimitMiB: limitMiB
        )
        let image = try await ImageBuild(request, maximumMiB: maximumMiB).run { _ in }
        return (image, directory)
    }

    func build(_ archive: [UInt8], size: ImageBuildRequest.Size = .extra(0)) async throws -> (BuiltImage, FilePath) {
        let (image, directory) = try await build(.archive(try file(archive)), size: size)
        return (image, directory.appending(ImageBuildFile.disk))
    }

    /// What `debugfs` says about a disk.
    func look(_ command: String, _ disk: FilePath) throws -> String {
        try run("debugfs", ["-R", command, disk.string])
    }
}

/// Images as archives.
struct ArchiveWriter {
    var config: [String: Any] = ["Cmd": ["/bin/app"]]
    var architecture = "amd64"
    var layers: [[UInt8]]
    /// As stored: compressed, or damaged.
    var stored: [[UInt8]]
    /// In place of the true digests.
    var diffIDs: [String]?

    init(layers: [[UInt8]], stored: [[UInt8]]? = nil) {
        self.layers = layers
        self.stored = stored ?? layers
    }

    static func digest(_ bytes: [UInt8]) -> String { SHA256.digest(of: bytes).hexadecimal }

    private static func json(_ value: Any) throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: value, options: .sortedKeys))
    }

    var configuration: [UInt8] {
        get throws {
            try Self.json([
                "architecture": architecture, "os": "linux", "config": config,
                "rootfs": ["type": "layers", "diff_ids": diffIDs ?? layers.map { "sha256:\(Self.digest($0))" }],
            ])
        }
    }

    /// As `docker save` writes it.
    var saved: [UInt8] {
        get throws {
            var tar = TarBuilder()
            let configuration = try configuration
            let name = "\(Self.digest(configuration)).json"
            let names = stored.map { "\(Self.digest($0))/layer.tar" }
            for (name, layer) in zip(names, stored) { tar.add(.init(path: name, content: layer)) }
            tar.add(.init(path: name, content: configuration))
            let manifest = try Self.json([["Config": name, "RepoTags": ["app:1"], "Layers": names]])
            tar.add(.init(path: "manifest.json", content: manifest))
            return tar.archive
        }
    }

    /// An OCI layout. `change` may spoil the blobs by their digests.
    func layout(_ change: (inout [String: [UInt8]]) -> Void = { _ in }) throws -> [UInt8] {
        var blobs: [String: [UInt8]] = [:]
        func add(_ bytes: [UInt8], _ type: String) -> [String: Any] {
            blobs[Self.digest(bytes)] = bytes
            return ["mediaType": type, "digest": "sha256:\(Self.digest(bytes))", "size": bytes.count]
        }
        let config = add(try configuration, "application/vnd.oci.image.config.v1+json")
        let layers = stored.map { add($0, "application/vnd.oci.image.layer.v1.tar") }
        let manifest = try Self.json(["schemaVersion": 2, "config": config, "layers": layers] as [String: Any])
        let entry = add(manifest, "application/vnd.oci.image.manifest.v1+json")
        change(&blobs)
        var tar = TarBuilder()
        tar.add("oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
        tar.add(.init(path: "index.json", content: try Self.json(["schemaVersion": 2, "manifests": [entry]])))
        for (digest, bytes) in blobs.sorted(by: { $0.key < $1.key }) {
            tar.add(.init(path: "blobs/sha256/\(digest)", content: bytes))
        }
        return tar.archive
    }
}
