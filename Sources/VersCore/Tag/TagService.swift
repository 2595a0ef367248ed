public import VersAPI

/// The tags of organisations, and what a name of a commit stands for.
public final class TagService: Sendable {
    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    private var book: TagBook { TagBook(domain: domain) }

    public func list(for principal: Principal) async throws -> TagList {
        TagList(tags: try await domain.names.tags(in: Self.scope(of: principal)).map(\.info))
    }

    /// - Throws: `.alreadyExists`, `.notFound` (the commit), `.forbidden` (another organisation's commit).
    public func create(_ request: TagCreateRequest, for principal: Principal) async throws -> TagCreateResponse {
        let tag = try await book.create(request, in: Self.scope(of: principal), for: principal)
        return TagCreateResponse(tag_id: tag.id, tag_name: tag.name, commit_id: tag.commitID)
    }

    public func info(of name: String, for principal: Principal) async throws -> TagInfo {
        try await book.tag(name, in: Self.scope(of: principal)).info
    }

    /// - Throws: `.invalidArgument` when the request changes nothing.
    public func edit(_ name: String, _ request: TagEditRequest, for principal: Principal) async throws {
        try await book.edit(name, request, in: Self.scope(of: principal), for: principal)
    }

    /// The commit stays.
    public func delete(_ name: String, for principal: Principal) async throws {
        try await book.delete(name, in: Self.scope(of: principal))
    }

    /// The commit that a name stands for, which the principal may look at, start VMs from and branch.
    public func commit(named name: CommitName, for principal: Principal) async throws -> CommitID {
        let id =
            switch name {
            case .id(let id): id
            case .tag(let tag): try await book.tag(tag, in: Self.scope(of: principal)).commitID
            case .reference(let reference): try await target(of: reference, for: principal)
            }
        return try await Access(domain: domain).commit(id, visibleTo: principal).id
    }

    private func target(of reference: TagReference, for principal: Principal) async throws -> CommitID {
        let repository = try await RepositoryFinder(domain: domain).repository(of: reference, for: principal)
        guard let tag = try await domain.names.tag(reference.tag, in: .repository(repository.id)) else {
            throw VersError(.notFound, "tag not found: '\(reference)'", hint: "list its tags: vers repo tag list")
        }
        return tag.commitID
    }

    private static func scope(of principal: Principal) -> TagScope { .organisation(principal.organisationID) }
}
