internal import Foundation
package import SystemPackage
package import VersAPI
package import VersCore

/// A commit as the domain would keep it: a directory, and the layers of its ancestors.
package struct TestCommit: Sendable {
    package var id: CommitID
    package var directory: FilePath
    /// The oldest first.
    package var layers: [FilePath]
    /// What a child's disk lies over.
    package var disk: FilePath
    package var report: FreezeReport
    package var layer: MemoryLayerReport

    package var state: SavedState {
        SavedState(memoryLayers: layers, deviceState: directory.appending(LayerFile.deviceState.rawValue))
    }

    package static func newDirectory(_ root: FilePath, _ id: CommitID) throws -> FilePath {
        let directory = root.appending("commits").appending(id.text)
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        return directory
    }

    /// Branches `vm`. `parent` is the commit that `delta` starts from.
    package static func freeze(
        _ vm: any VirtualMachine,
        root: FilePath,
        parent: TestCommit?,
        delta: MemoryDelta,
        leavePaused: Bool = false,
        keep: Bool = true
    ) async throws -> TestCommit {
        let id = CommitID()
        let directory = try newDirectory(root, id)
        let freeze = try await vm.prepareFreeze(
            FreezeRequest(directory: directory, delta: delta, mark: id, reusesUnchangedDisk: true)
        )
        let frozen = try await freeze.execute(leavePaused: leavePaused)
        let layer = try await frozen.memoryLayer()
        if keep { try await frozen.keepMark() } else { await frozen.abandon() }
        let below =
            switch delta {
            case .everything: [FilePath]()
            case .sinceFirstLayer: Array((parent?.layers ?? []).prefix(1))
            case .sinceStart, .since: parent?.layers ?? []
            }
        let own = directory.appending(LayerFile.disk.rawValue)
        return TestCommit(
            id: id,
            directory: directory,
            layers: below + [directory.appending(LayerFile.memory.rawValue)],
            disk: frozen.report.diskSwitched ? own : parent?.disk ?? own,
            report: frozen.report,
            layer: layer
        )
    }
}
