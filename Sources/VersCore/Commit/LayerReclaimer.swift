import Foundation
import Logging
import VersAPI

/// Deletes what nothing needs any more: commits that branches made, once no VM descends from them, and the layers
/// that no commit, VM or running operation refers to.
struct LayerReclaimer: Sendable {
    let domain: Domain

    /// Failures are logged: the next pass finds what this one left.
    func reclaim() async {
        do {
            try await retireBranchCommits()
            let inProgress = await domain.registry.inProgress()
            let needed = try await neededLayers(inProgress: inProgress)
            try await domain.commits.reclaim(keeping: needed)
        } catch {
            domain.logger.error("layers could not be reclaimed", metadata: ["error": "\(error)"])
        }
    }

    private func retireBranchCommits() async throws {
        let machines = try await domain.metadata.liveMachines()
        let ancestors = Set(machines.compactMap(\.parentCommitID))
        let inProgress = await domain.registry.inProgress()
        for commit in try await domain.metadata.liveCommits()
        where commit.kind == .branch && !ancestors.contains(commit.id) && !inProgress.contains(commit.id)
            && !commit.isPublic
        {
            try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
        }
    }

    private func neededLayers(inProgress: Set<CommitID>) async throws -> NeededLayers {
        var needed = NeededLayers()
        needed.inProgress = inProgress
        for commit in try await domain.metadata.liveCommits() {
            needed.memory.formUnion(commit.memoryLayers)
            needed.disk.formUnion(commit.diskLayers)
            if let state = commit.deviceStateLayer { needed.deviceState.insert(state) }
        }
        for machine in try await domain.metadata.liveMachines() {
            needed.memory.formUnion(machine.startMemoryLayers)
            needed.memory.formUnion(machine.markedMemoryLayers)
            needed.disk.formUnion(machine.diskLayers)
        }
        return needed
    }
}
