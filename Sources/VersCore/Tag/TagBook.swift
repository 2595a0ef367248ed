import Foundation
import VersAPI

/// What can be done to the tags of one scope, the same for organisations and repositories. The caller has made sure
/// that the principal may change the scope.
struct TagBook: Sendable {
    let domain: Domain

    func create(_ request: TagCreateRequest, in scope: TagScope, for principal: Principal) async throws -> Tag {
        try ResourceName.checkTagName(request.tag_name, of: "tag name")
        if let description = request.description { try Validation.description(description) }
        let now = Date()
        let tag = Tag(
            scope: scope,
            name: request.tag_name,
            commitID: try await taggable(request.commit_id, for: principal),
            description: request.description,
            createdAt: now,
            updatedAt: now
        )
        try await domain.names.insert(tag)
        return tag
    }

    func tag(_ name: String, in scope: TagScope) async throws -> Tag {
        guard let tag = try await domain.names.tag(name, in: scope) else { throw Self.notFound(name, in: scope) }
        return tag
    }

    func edit(_ name: String, _ request: TagEditRequest, in scope: TagScope, for principal: Principal) async throws {
        guard !request.isEmpty else {
            throw VersError(.invalidArgument, "nothing to change: expected commit_id, description, or both")
        }
        if case .set(let description) = request.description { try Validation.description(description) }
        _ = try await tag(name, in: scope)
        var commit: CommitID?
        if let id = request.commit_id { commit = try await taggable(id, for: principal) }
        try await domain.names.updateTag(name, in: scope) { [commit] in
            if let commit { $0.commitID = commit }
            $0.description = request.description.applied(to: $0.description)
            $0.updatedAt = Date()
        }
    }

    func delete(_ name: String, in scope: TagScope) async throws {
        guard try await domain.names.deleteTag(name, in: scope) else { throw Self.notFound(name, in: scope) }
    }

    /// A commit that a tag of the principal may name, put on stable storage: a tag must not outlive what it names.
    private func taggable(_ id: CommitID, for principal: Principal) async throws -> CommitID {
        let commit = try await Access(domain: domain).commit(id, ownedBy: principal)
        guard commit.kind != .sleep else {
            throw VersError(
                .conflict,
                "commit \(id) is the memory of a sleeping vm, and goes when it wakes",
                hint: "make one that stays: vers commit \(commit.parentMachineID?.text ?? "<vm>")"
            )
        }
        if !commit.isDurable { try await CommitSealer(domain: domain).seal(commit) }
        return id
    }

    static func notFound(_ name: String, in scope: TagScope) -> VersError {
        let command =
            switch scope {
            case .organisation: "vers tag list"
            case .repository: "vers repo tag list <repo>"
            }
        return VersError(.notFound, "tag not found: '\(name.prefix(80))'", hint: "list tags with: \(command)")
    }
}
