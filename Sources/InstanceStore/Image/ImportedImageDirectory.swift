import Foundation
import Glibc
import HostSystem
public import SystemPackage
public import VersAPI
public import VersCore

/// Images that organisations had made: `base-images/<id>/{manifest.json, kernel, initramfs, root.raw}`, complete when
/// the manifest is there; before, an `archive` and whatever a build leaves.
public struct ImportedImageDirectory: ImportedImageFiling {
    private static let archiveName = "archive"

    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    public func archive(of id: BaseImageID) -> FilePath { layout.directory(of: id).appending(Self.archiveName) }

    public func receiveArchive(for id: BaseImageID) async throws -> any ImageArchiveReceiving {
        let (directory, path) = (layout.directory(of: id), archive(of: id))
        return try await BlockingPool.run {
            try Self.create(directory)
            return try ReceivedArchive(path)
        }
    }

    public func prepare(_ id: BaseImageID) async throws -> FilePath {
        let directory = layout.directory(of: id)
        let build = directory.appending("build-\(UUID().uuidString.lowercased())")
        try await BlockingPool.run {
            try Self.create(directory)
            try Self.clear(directory, keeping: [Self.archiveName])
            try Self.create(build)
        }
        return build
    }

    public func completed(_ id: BaseImageID) async throws -> Int? {
        let directory = layout.directory(of: id)
        return try await BlockingPool.run {
            let path = directory.appending(ImageManifest.fileName)
            guard access(path.string, F_OK) == 0 else { return nil }
            let data = try Data(contentsOf: URL(filePath: path.string))
            let manifest = try JSONDecoder().decode(ImageManifest.self, from: data)
            let parts = [ImageManifest.fileName, manifest.kernel, manifest.initramfs, manifest.disk]
            try Self.clear(directory, keeping: parts)
            return manifest.disk_size_mib
        }
    }

    private static func clear(_ directory: FilePath, keeping kept: [String]) throws {
        for name in try HostFile.names(in: directory) where !kept.contains(name) {
            try FileManager.default.removeItem(atPath: directory.appending(name).string)
        }
    }

    public func install(
        _ id: BaseImageID,
        name: String,
        built: BuiltImage,
        in build: FilePath,
        base: BaseImage
    ) async throws {
        let directory = layout.directory(of: id)
        let parent = layout.importedImages
        try await BlockingPool.run {
            let disk = directory.appending(ImageBuildFile.disk)
            let kernel = directory.appending("kernel")
            let initramfs = directory.appending("initramfs")
            try Self.share(base.kernel, as: kernel)
            try Self.join([base.initramfs, build.appending(ImageBuildFile.workload)], into: initramfs)
            guard rename(build.appending(ImageBuildFile.disk).string, disk.string) == 0 else {
                throw HostError("rename to", disk, errno: Errno(rawValue: errno))
            }
            for file in [kernel, initramfs, disk] {
                guard chmod(file.string, 0o444) == 0 else {
                    throw HostError("chmod", file, errno: Errno(rawValue: errno))
                }
                try DurableFile.sync(file: file)
            }
            try DurableFile.syncDirectory(directory)
            let manifest = try Self.manifest(id, name: name, built: built)
            try DurableFile.write(manifest, to: directory.appending(ImageManifest.fileName))
            try DurableFile.syncDirectory(parent)
            try FileManager.default.removeItem(atPath: build.string)
            try HostFile.remove(directory.appending(Self.archiveName))
        }
    }

    public func remove(_ id: BaseImageID) async throws {
        let directory = layout.directory(of: id)
        try await BlockingPool.run {
            guard access(directory.string, F_OK) == 0 else { return }
            try FileManager.default.removeItem(atPath: directory.string)
        }
    }

    public func all() async throws -> [BaseImageID] {
        let directory = layout.importedImages
        return try await BlockingPool.run {
            guard access(directory.string, F_OK) == 0 else { return [] }
            return try HostFile.names(in: directory).compactMap(BaseImageID.init)
        }
    }

    private static func create(_ directory: FilePath) throws {
        try FileManager.default.createDirectory(
            atPath: directory.string,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    /// The kernel is the same file, unless another file system is in between.
    private static func share(_ file: FilePath, as new: FilePath) throws {
        guard let source = HostFile.resolved(file) else { throw HostError("open", file, errno: .noSuchFileOrDirectory) }
        if link(source.string, new.string) == 0 { return }
        try join([source], into: new)
    }

    /// Copies files one behind the other, each padded to four bytes: the kernel unpacks such archives in turn.
    private static func join(_ files: [FilePath], into new: FilePath) throws {
        var bytes: [UInt8] = []
        for file in files {
            bytes += try HostFile.read(file, limitInBytes: Int(try HostFile.size(of: file)))
            bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
        }
        try HostFile.create(new, bytes: bytes)
    }

    private static func manifest(_ id: BaseImageID, name: String, built: BuiltImage) throws -> [UInt8] {
        let manifest = ImageManifest(
            format: ImageManifest.currentFormat,
            name: name,
            build_id: id.text,
            kernel: "kernel",
            initramfs: "initramfs",
            disk: ImageBuildFile.disk,
            disk_size_mib: built.diskMiB,
            has_workload: built.hasWorkload,
            created_at: RFC3339.string(from: Date()),
            init_path: built.initPath,
            command: built.configuration.arguments,
            exposed_ports: built.configuration.exposedPorts
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(manifest))
    }
}

/// An archive that a client sends.
private final class ReceivedArchive: ImageArchiveReceiving {
    private let path: FilePath
    private let descriptor: FileDescriptor

    init(_ path: FilePath) throws {
        self.path = path
        do {
            descriptor = try FileDescriptor.open(
                path,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
        } catch let error as Errno {
            throw HostError("create", path, errno: error)
        }
    }

    // Nothing is lost: what matters was synchronised before.
    deinit { try? descriptor.close() }

    func write(_ bytes: [UInt8]) async throws {
        try await BlockingPool.run { [path, descriptor] in
            do {
                _ = try descriptor.writeAll(bytes)
            } catch let error as Errno {
                throw Self.failure(path, error)
            }
        }
    }

    func finish() async throws {
        try await BlockingPool.run { [path] in
            try DurableFile.sync(file: path)
            try DurableFile.syncDirectory(path.removingLastComponent())
            try DurableFile.syncDirectory(path.removingLastComponent().removingLastComponent())
        }
    }

    private static func failure(_ path: FilePath, _ error: Errno) -> any Error {
        guard error == .noSpace else { return HostError("write", path, errno: error) }
        return VersError(
            .resourceExhausted,
            "the host's disk is full",
            hint: "delete VMs, commits or images that you no longer need"
        )
    }
}
