import Foundation
import Logging
import VersAPI

/// Deletes what nothing needs any more: commits that branches made, once no VM descends from them, and the layers that
/// no commit, VM or running operation refers to.
struct LayerReclaimer: Sendable {
    let domain: Domain

    /// Failures are logged: the next pass finds what this one left.
    ///
    /// The order of reading makes it safe beside running operations. An operation announces the commit that it makes
    /// or uses before it creates or reads anything, and takes that back after everything is recorded. So what was
    /// there first, and is in nobody's use afterwards, is spoken of by the records that are read last, or by none.
    func reclaim() async {
        do {
            try await retireBranchCommits()
            let candidates = try await domain.commits.all()
            let inUse = await domain.registry.commitsInUse()
            try await domain.commits.reclaim(candidates, keeping: try await neededLayers(inUse: inUse))
        } catch {
            domain.logger.error("layers could not be reclaimed", metadata: ["error": "\(error)"])
        }
    }

    /// After an operation that failed: its commit goes, unless a VM's disk already rests on it.
    func reclaimAfterFailure(of id: CommitID) async {
        do {
            if try await domain.metadata.commit(id) != nil {
                try await domain.metadata.update(id) { $0.deletedAt = Date() }
            }
        } catch {
            domain.logger.error(
                "commit could not be taken back",
                metadata: ["commit.id": "\(id)", "error": "\(error)"]
            )
        }
        await reclaim()
    }

    private func retireBranchCommits() async throws {
        let candidates = try await domain.metadata.liveCommits().filter { $0.kind == .branch && !$0.isPublic }
        let inUse = await domain.registry.commitsInUse()
        let ancestors = Set(try await domain.metadata.liveMachines().compactMap(\.parentCommitID))
        for commit in candidates where !ancestors.contains(commit.id) && !inUse.contains(commit.id) {
            // One that was given a tag meanwhile stays.
            _ = try await domain.names.deleteUntagged(commit.id, ofKind: .branch, at: Date())
        }
    }

    private func neededLayers(inUse: Set<CommitID>) async throws -> NeededLayers {
        var needed = NeededLayers()
        needed.inProgress = inUse
        var commits = try await domain.metadata.liveCommits()
        for id in inUse {
            if let commit = try await domain.metadata.commit(id) { commits.append(commit) }
        }
        for commit in commits {
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
