import Foundation
public import VersAPI

/// Everything that can be asked about and done to commits that exist.
public final class CommitService: Sendable {
    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    /// Commits that people asked for, the newest first.
    public func list(limit: Int, offset: Int) async throws -> CommitPage {
        try await page(publicOnly: false, limit: limit, offset: offset)
    }

    public func listPublic(limit: Int, offset: Int) async throws -> CommitPage {
        try await page(publicOnly: true, limit: limit, offset: offset)
    }

    public func info(of id: CommitID) async throws -> CommitInfo { try await record(id).info }

    public func edit(_ id: CommitID, _ request: CommitEditRequest) async throws -> CommitInfo {
        if let name = request.name { try Validation.name(name, of: "commit name") }
        if let description = request.description { try Validation.description(description) }
        _ = try await record(id)
        return try await domain.metadata.update(id) {
            $0.isPublic = request.is_public
            if let name = request.name { $0.name = name }
            if let description = request.description { $0.description = description.isEmpty ? nil : description }
        }.info
    }

    /// Deletes a commit; its layers stay as long as anything else needs them.
    /// - Throws: `.inUse`, naming the VMs that were started from it, or the tags that name it.
    public func delete(_ id: CommitID) async throws {
        _ = try await record(id)
        let machines = try await domain.metadata.machines(startedFrom: id)
        guard machines.isEmpty else {
            throw VersError(
                .inUse,
                "commit still has \(machines.count) active VM(s): "
                    + machines.map(\.id.text).joined(separator: ", "),
                hint: "delete those VMs first: vers kill \(machines[0].id)"
            )
        }
        if let sleeper = try await domain.metadata.liveMachines().first(where: { $0.sleepCommitID == id }) {
            throw VersError(
                .inUse,
                "commit \(id) is the memory of the sleeping vm \(sleeper.id)",
                hint: "wake the VM or delete it: vers resume \(sleeper.id)"
            )
        }
        guard await !domain.registry.commitsInUse().contains(id) else {
            throw VersError(.inUse, "commit \(id) is used by an operation that runs", hint: "try again in a moment")
        }
        let tags = try await domain.names.deleteUntagged(id, ofKind: nil, at: Date())
        guard let first = tags.first else {
            await LayerReclaimer(domain: domain).reclaim()
            return
        }
        throw VersError(
            .inUse,
            "commit \(id) is named by \(tags.count) tag(s): \(tags.joined(separator: ", "))",
            hint: "delete or move them first: vers \(first.contains(":") ? "repo tag" : "tag") delete \(first)"
        )
    }

    /// The commit itself, then its ancestors up to the root, deleted ones included.
    public func history(of id: CommitID) async throws -> [CommitEntity] {
        var entities = [CommitEntity(try await record(id).info)]
        while let parent = entities.last?.grandparent_commit_id, let commit = try await domain.metadata.commit(parent) {
            entities.append(CommitEntity(commit.info))
        }
        return entities
    }

    private func page(publicOnly: Bool, limit: Int, offset: Int) async throws -> CommitPage {
        try Validation.value(limit, of: "limit", in: 1...CommitPage.maximumLimit)
        try Validation.value(offset, of: "offset", in: 0...Int.max)
        let slice = try await domain.metadata.namedCommits(publicOnly: publicOnly, limit: limit, offset: offset)
        return CommitPage(commits: slice.commits.map(\.info), total: slice.total, limit: limit, offset: offset)
    }

    private func record(_ id: CommitID) async throws -> Commit {
        guard let commit = try await domain.metadata.commit(id), commit.isVisible else {
            throw VersError(.notFound, "commit not found: \(id)", hint: "list commits with: vers commit list")
        }
        return commit
    }
}
