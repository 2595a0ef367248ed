public import VersAPI

extension RepositoryService {
    public func tags(of repository: String, for principal: Principal) async throws -> RepositoryTagList {
        try await tagList(of: try await finder.repository(repository, ownedBy: principal), as: repository)
    }

    /// - Throws: `.alreadyExists`, `.notFound` (repository or commit), `.forbidden` (another organisation's commit).
    public func createTag(
        _ request: TagCreateRequest,
        in repository: String,
        for principal: Principal
    ) async throws -> RepositoryTagCreateResponse {
        let scope = try await scope(of: repository, for: principal)
        let tag = try await book.create(request, in: scope, for: principal)
        return RepositoryTagCreateResponse(
            tag_id: tag.id,
            commit_id: tag.commitID,
            reference: "\(repository):\(tag.name)"
        )
    }

    public func tag(
        _ name: String,
        of repository: String,
        for principal: Principal
    ) async throws -> RepositoryTagInfo {
        let scope = try await scope(of: repository, for: principal)
        return RepositoryTagInfo(try await book.tag(name, in: scope).info, repository: repository)
    }

    /// - Throws: `.invalidArgument` when the request changes nothing.
    public func editTag(
        _ name: String,
        of repository: String,
        _ request: TagEditRequest,
        for principal: Principal
    ) async throws {
        try await book.edit(name, request, in: try await scope(of: repository, for: principal), for: principal)
    }

    /// The commit stays.
    public func deleteTag(_ name: String, of repository: String, for principal: Principal) async throws {
        try await book.delete(name, in: try await scope(of: repository, for: principal))
    }

    func tagList(of repository: Repository, as name: String) async throws -> RepositoryTagList {
        let tags = try await domain.names.tags(in: .repository(repository.id))
        return RepositoryTagList(
            repository: name,
            tags: tags.map { RepositoryTagInfo($0.info, repository: name) }
        )
    }

    private func scope(of repository: String, for principal: Principal) async throws -> TagScope {
        .repository(try await finder.repository(repository, ownedBy: principal).id)
    }
}
