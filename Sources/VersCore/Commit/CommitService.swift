import Foundation
public import VersAPI

/// Everything that can be asked about and done to commits that exist.
public final class CommitService: Sendable {
    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    /// Commits that people of the organisation asked for, the newest first.
    public func list(limit: Int, offset: Int, for principal: Principal) async throws -> CommitPage {
        try await page(of: .organisation(principal.organisationID), limit: limit, offset: offset)
    }

    public func listPublic(limit: Int, offset: Int) async throws -> CommitPage {
        try await page(of: .published, limit: limit, offset: offset)
    }

    public func info(of id: CommitID, for principal: Principal) async throws -> CommitInfo {
        try await record(id, for: principal).info
    }

    public func edit(
        _ id: CommitID,
        _ request: CommitEditRequest,
        for principal: Principal
    ) async throws -> CommitInfo {
        if let name = request.name { try Validation.name(name, of: "commit name") }
        if let description = request.description { try Validation.description(description) }
        _ = try await ownRecord(id, for: principal)
        return try await domain.metadata.update(id) {
            $0.isPublic = request.is_public
            if let name = request.name { $0.name = name }
            if let description = request.description { $0.description = description }
        }.info
    }

    /// Deletes a commit; its layers stay as long as anything else needs them.
    /// - Throws: `.inUse`, naming the VMs that were started from it.
    public func delete(_ id: CommitID, for principal: Principal) async throws {
        _ = try await ownRecord(id, for: principal)
        let machines = try await domain.metadata.machines(startedFrom: id)
        guard machines.isEmpty else { throw Self.inUse(by: machines, for: principal) }
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
        try await domain.metadata.update(id) { $0.deletedAt = Date() }
        await LayerReclaimer(domain: domain).reclaim()
    }

    /// The commit itself, then its ancestors up to the root, deleted ones included, or up to the first that belongs to
    /// another organisation and is not public.
    public func history(of id: CommitID, for principal: Principal) async throws -> [CommitEntity] {
        var entities = [CommitEntity(try await record(id, for: principal).info)]
        while let parent = entities.last?.grandparent_commit_id, let commit = try await domain.metadata.commit(parent),
            commit.isReadable(by: principal)
        {
            entities.append(CommitEntity(commit.info))
        }
        return entities
    }

    private func page(of scope: CommitScope, limit: Int, offset: Int) async throws -> CommitPage {
        try Validation.value(limit, of: "limit", in: 1...CommitPage.maximumLimit)
        try Validation.value(offset, of: "offset", in: 0...Int.max)
        let slice = try await domain.metadata.namedCommits(in: scope, limit: limit, offset: offset)
        return CommitPage(commits: slice.commits.map(\.info), total: slice.total, limit: limit, offset: offset)
    }

    private func record(_ id: CommitID, for principal: Principal) async throws -> Commit {
        guard let commit = try await domain.metadata.commit(id), commit.isVisible(to: principal) else {
            throw VersError(.notFound, "commit not found: \(id)", hint: "list commits with: vers commit list")
        }
        return commit
    }

    /// The same, where seeing it is not enough.
    private func ownRecord(_ id: CommitID, for principal: Principal) async throws -> Commit {
        let commit = try await record(id, for: principal)
        guard commit.organisationID == principal.organisationID else {
            throw VersError(
                .forbidden,
                "commit \(id) belongs to another organisation, which has published it",
                hint: "start a VM from it and commit that: vers run-commit \(id)"
            )
        }
        return commit
    }

    /// Counts every VM, but names only those that the principal may see.
    private static func inUse(by machines: [Machine], for principal: Principal) -> VersError {
        let own = machines.filter { $0.organisationID == principal.organisationID }.map(\.id.text)
        let names = own.isEmpty ? "" : ": \(own.joined(separator: ", "))"
        return VersError(
            .inUse,
            "commit still has \(machines.count) active VM(s)\(names)",
            hint: own.first.map { "delete those VMs first: vers kill \($0)" }
                ?? "they belong to other organisations; unpublish it, so that no more are started from it"
        )
    }
}
