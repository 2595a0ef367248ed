import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import InstanceStore

struct FileCommitStoreTests {
    private let instance: TemporaryInstance
    private let store: FileCommitStore

    init() throws {
        instance = try TemporaryInstance()
        store = FileCommitStore(layout: instance.layout)
    }

    /// A commit's directory with some content in every layer.
    private func makeLayers(_ id: CommitID, _ files: [LayerFile] = LayerFile.allCases) async throws {
        _ = try await store.create(id)
        for (index, file) in files.enumerated() {
            try writeSparse(
                [(0, Array("\(id) \(file.rawValue)".utf8)), (1 << 20, [UInt8(index + 1)])],
                size: 4 << 20,
                to: instance.layout.file(file, of: id)
            )
        }
    }

    private func names(in id: CommitID) -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: instance.layout.directory(of: id).string)) ?? [])
    }

    @Test func `a directory is created once`() async throws {
        let id = CommitID()
        let path = try await store.create(id)
        #expect(path == instance.layout.directory(of: id))
        let error = await #expect(throws: VersError.self) { _ = try await store.create(id) }
        #expect(error?.code == .internal)
    }

    @Test func `a sealed commit verifies and describes itself`() async throws {
        let commit = makeCommit(memoryLayers: [CommitID()])
        try await makeLayers(commit.id)
        try await store.seal(commit)
        try await store.verify(commit.id)
        let path = instance.layout.directory(of: commit.id).appending(CommitManifest.fileName)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let manifest = try decoder.decode(CommitManifest.self, from: Data(contentsOf: URL(filePath: path.string)))
        #expect(manifest.format == 1)
        #expect(manifest.id == commit.id)
        #expect(manifest.hardware == commit.hardware)
        #expect(manifest.memory_layers == commit.memoryLayers)
        #expect(manifest.created_at == commit.createdAt)
        #expect(Set(manifest.files.map(\.name)) == Set(LayerFile.allCases.map(\.rawValue)))
        #expect(manifest.files.allSatisfy { $0.size == 4 << 20 && $0.digest.count == 64 })
    }

    @Test func `sealing makes the layers read-only and may be repeated`() async throws {
        let commit = makeCommit()
        try await makeLayers(commit.id)
        try await store.seal(commit)
        try await store.seal(commit)
        for file in LayerFile.allCases {
            let path = instance.layout.file(file, of: commit.id).string
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o440)
        }
        try await store.verify(commit.id)
    }

    @Test(arguments: LayerFile.allCases) func `a changed byte is found and its file named`(
        file: LayerFile
    ) async throws {
        let commit = makeCommit()
        try await makeLayers(commit.id)
        try await store.seal(commit)
        let path = instance.layout.file(file, of: commit.id)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.string)
        let descriptor = try FileDescriptor.open(path, .writeOnly)
        try descriptor.closeAfter { _ = try descriptor.writeAll(toAbsoluteOffset: 1 << 20, [0x55]) }
        let error = await #expect(throws: VersError.self) { try await store.verify(commit.id) }
        #expect(error?.code == .incompatible)
        #expect(error?.message.contains(file.rawValue) == true)
    }

    @Test func `a manifest of a later format is refused`() async throws {
        let commit = makeCommit()
        try await makeLayers(commit.id)
        try await store.seal(commit)
        let path = instance.layout.directory(of: commit.id).appending(CommitManifest.fileName).string
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = text.replacingOccurrences(of: "\"format\" : 1", with: "\"format\" : 2")
        #expect(changed != text)
        try changed.write(toFile: path, atomically: true, encoding: .utf8)
        let error = await #expect(throws: VersError.self) { try await store.verify(commit.id) }
        #expect(error?.code == .incompatible)
    }

    @Test func `adopting a disk shares its bytes and refuses to replace another`() async throws {
        let id = CommitID()
        _ = try await store.create(id)
        let disk = instance.file("disk-0.qcow2")
        try writeSparse([(0, [1, 2, 3])], size: 3, to: disk)
        try await store.adoptDisk(disk, into: id)
        let layer = instance.layout.file(.disk, of: id)
        #expect(try Data(contentsOf: URL(filePath: layer.string)) == Data([1, 2, 3]))
        try FileManager.default.removeItem(atPath: disk.string)
        #expect(instance.exists(layer))
        try writeSparse([(0, [4])], size: 1, to: disk)
        await #expect(throws: (any Error).self) { try await store.adoptDisk(disk, into: id) }
        #expect(try Data(contentsOf: URL(filePath: layer.string)) == Data([1, 2, 3]))
    }

    @Test func `reclaim keeps exactly what is needed`() async throws {
        let whole = CommitID()
        let memoryOnly = CommitID()
        let diskOnly = CommitID()
        let unneeded = CommitID()
        let beingMade = CommitID()
        for id in [whole, memoryOnly, diskOnly, unneeded, beingMade] {
            try await makeLayers(id)
            if id != beingMade { try await store.seal(makeCommit(id)) }
        }
        var needed = NeededLayers()
        needed.memory = [whole, memoryOnly]
        needed.deviceState = [whole]
        needed.disk = [whole, diskOnly]
        needed.inProgress = [beingMade]
        let candidates = try await store.all()
        #expect(Set(candidates) == [whole, memoryOnly, diskOnly, unneeded, beingMade])
        let deleted = try await store.reclaim(candidates, keeping: needed)

        #expect(names(in: whole) == ["memory.layer", "device.state", "disk.qcow2", "manifest.json"])
        #expect(names(in: memoryOnly) == ["memory.layer", "manifest.json"])
        #expect(names(in: diskOnly) == ["disk.qcow2", "manifest.json"])
        #expect(!instance.exists(instance.layout.directory(of: unneeded)))
        #expect(names(in: beingMade) == ["memory.layer", "device.state", "disk.qcow2"])
        #expect(deleted == 2 + 2 + 4)
        #expect(try await store.reclaim(candidates, keeping: needed) == 0)
    }

    @Test func `reclaim touches nothing that was not there when it was asked for`() async throws {
        let candidates = try await store.all()
        let late = CommitID()
        try await makeLayers(late)
        #expect(try await store.reclaim(candidates, keeping: NeededLayers()) == 0)
        #expect(names(in: late).count == 3)
    }

    @Test func `reclaim leaves foreign files alone`() async throws {
        let stranger = instance.layout.commits.appending("notes.txt")
        try writeSparse([(0, [1])], size: 1, to: stranger)
        #expect(try await store.reclaim(try await store.all(), keeping: NeededLayers()) == 0)
        #expect(instance.exists(stranger))
    }
}
