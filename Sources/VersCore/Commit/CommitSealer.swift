import VersAPI

/// Puts commits on stable storage.
struct CommitSealer: Sendable {
    let domain: Domain

    /// Flushes a commit and every layer that it rests on, puts its manifest in place, and records that it is durable.
    func seal(_ commit: Commit) async throws {
        for layer in Set(commit.memoryLayers + commit.diskLayers) where layer != commit.id {
            // A branch's, for example, that is not sealed yet, or that went before it was.
            if try await domain.metadata.commit(layer)?.isDurable == true { continue }
            try await domain.commits.flush(LayerFile.allCases, of: layer)
        }
        try await domain.commits.seal(commit)
        try await domain.metadata.update(commit.id) { $0.isDurable = true }
    }
}
