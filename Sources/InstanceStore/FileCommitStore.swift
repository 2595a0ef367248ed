import Foundation
import Glibc
import HostSystem
import KeyMaterial
public import SystemPackage
public import VersAPI
public import VersCore

/// Commits as directories: `commits/<id>/{memory.layer, device.state, disk.qcow2, manifest.json}`.
public struct FileCommitStore: CommitStoring {
    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    public func create(_ id: CommitID) async throws -> FilePath {
        let directory = layout.directory(of: id)
        try await onDisk("create commit \(id)") {
            guard mkdir(directory.string, 0o700) == 0 else {
                let error = Errno(rawValue: errno)
                if error == .fileExists {
                    throw VersError(
                        .internal,
                        "'\(directory)' exists already, though no commit of that id is recorded",
                        hint: "ask for the commit under another id"
                    )
                }
                throw HostError("mkdir", directory, errno: error)
            }
        }
        return directory
    }

    public func adoptDisk(_ disk: FilePath, into id: CommitID) async throws {
        let target = layout.file(.disk, of: id)
        try await onDisk("take a disk into commit \(id)") {
            guard link(disk.string, target.string) == 0 else {
                throw HostError("link", target, errno: Errno(rawValue: errno))
            }
        }
    }

    public func flush(_ files: [LayerFile], of id: CommitID) async throws {
        let layout = layout
        try await onDisk("flush commit \(id)") {
            let directory = layout.directory(of: id)
            for file in files.map({ directory.appending($0.rawValue) }) where access(file.string, F_OK) == 0 {
                try DurableFile.sync(file: file)
            }
            try DurableFile.syncDirectory(directory)
            try DurableFile.syncDirectory(layout.commits)
        }
    }

    public func seal(_ commit: Commit) async throws {
        let directory = layout.directory(of: commit.id)
        let manifestPath = directory.appending(CommitManifest.fileName)
        try await onDisk("seal commit \(commit.id)") {
            var files: [CommitManifest.File] = []
            for file in LayerFile.allCases {
                let path = directory.appending(file.rawValue)
                guard access(path.string, F_OK) == 0 else { continue }
                try DurableFile.sync(file: path)
                let (digest, size) = try LayerDigest.compute(file.digestedBlocks, of: path)
                files.append(.init(name: file.rawValue, size: size, digest: digest.hexadecimal))
                // Nothing may write to a layer again, the machine that made it included. Its group may be that of all
                // machines.
                guard chmod(path.string, 0o440) == 0 else {
                    throw HostError("chmod", path, errno: Errno(rawValue: errno))
                }
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            let bytes = Array(try encoder.encode(CommitManifest(commit, files: files)))
            try DurableFile.write(bytes, to: manifestPath)
            try DurableFile.syncDirectory(layout.commits)
        }
    }

    public func verify(_ id: CommitID) async throws {
        let directory = layout.directory(of: id)
        try await BlockingPool.run {
            let manifest = try Self.manifest(in: directory)
            for file in manifest.files {
                let blocks = LayerFile(rawValue: file.name)?.digestedBlocks ?? .content
                let (digest, size) = try LayerDigest.compute(blocks, of: directory.appending(file.name))
                guard size == file.size, digest.hexadecimal == file.digest else {
                    throw VersError(
                        .incompatible,
                        "file \(file.name) of commit \(id) has \(size) bytes with digest \(digest.hexadecimal): "
                            + "expected \(file.size) with \(file.digest)"
                    )
                }
            }
        }
    }

    public func all() async throws -> [CommitID] {
        let directory = layout.commits
        return try await BlockingPool.run { try Self.names(in: directory).compactMap(CommitID.init) }
    }

    public func reclaim(_ candidates: [CommitID], keeping needed: NeededLayers) async throws -> Int {
        let layout = layout
        return try await onDisk("remove what no commit needs") {
            var deleted = 0
            for id in candidates where !needed.inProgress.contains(id) {
                deleted += try Self.reclaim(layout.directory(of: id), id: id, keeping: needed)
            }
            return deleted
        }
    }

    /// Deletes the files of one directory that nothing needs, and the directory when none is left.
    private static func reclaim(_ directory: FilePath, id: CommitID, keeping needed: NeededLayers) throws -> Int {
        let keepers: [(LayerFile, Bool)] = [
            (.memory, needed.memory.contains(id)),
            (.deviceState, needed.deviceState.contains(id)),
            (.disk, needed.disk.contains(id)),
        ]
        if keepers.allSatisfy({ !$0.1 }) {
            // Another pass may have been faster.
            guard access(directory.string, F_OK) == 0 else { return 0 }
            let count = try names(in: directory).count
            try FileManager.default.removeItem(atPath: directory.string)
            return count
        }
        var deleted = 0
        for (file, isNeeded) in keepers where !isNeeded {
            let path = directory.appending(file.rawValue)
            if unlink(path.string) == 0 { deleted += 1 }
        }
        return deleted
    }

    private static func names(in directory: FilePath) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.string)
    }

    private static func manifest(in directory: FilePath) throws -> CommitManifest {
        let path = directory.appending(CommitManifest.fileName)
        let data = try Data(contentsOf: URL(filePath: path.string))
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let manifest = try decoder.decode(CommitManifest.self, from: data)
        guard manifest.format == CommitManifest.currentFormat else {
            throw VersError(
                .incompatible,
                "\(path) has format \(manifest.format): expected \(CommitManifest.currentFormat)",
                hint: "use the release that wrote it"
            )
        }
        return manifest
    }
}

extension LayerFile {
    /// What a digest of the file has to tell apart.
    fileprivate var digestedBlocks: LayerDigest.Blocks { self == .memory ? .data : .content }
}
