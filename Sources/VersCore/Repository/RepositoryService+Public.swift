public import VersAPI

/// What everybody may read, without a key.
extension RepositoryService {
    public func publicList() async throws -> PublicRepositoryList {
        var names: [OrganisationID: String] = [:]
        var list: [PublicRepositoryInfo] = []
        for repository in try await domain.names.publicRepositories() {
            let id = repository.organisationID
            if names[id] == nil { names[id] = try await domain.organisations.name(of: id) }
            guard let name = names[id] else { continue }
            list.append(Self.publicInfo(repository, organisation: name))
        }
        return PublicRepositoryList(repositories: list.sorted { $0.full_name < $1.full_name })
    }

    public func publicInfo(of name: String, in organisation: String) async throws -> PublicRepositoryInfo {
        let repository = try await finder.publicRepository(name, ofOrganisation: organisation)
        return Self.publicInfo(repository, organisation: organisation)
    }

    public func publicTags(of name: String, in organisation: String) async throws -> RepositoryTagList {
        let repository = try await finder.publicRepository(name, ofOrganisation: organisation)
        return try await tagList(of: repository, as: "\(organisation)/\(name)")
    }

    public func publicTag(
        _ tag: String,
        of name: String,
        in organisation: String
    ) async throws -> RepositoryTagInfo {
        let repository = try await finder.publicRepository(name, ofOrganisation: organisation)
        let info = try await book.tag(tag, in: .repository(repository.id)).info
        return RepositoryTagInfo(info, repository: "\(organisation)/\(name)")
    }

    private static func publicInfo(_ repository: Repository, organisation: String) -> PublicRepositoryInfo {
        PublicRepositoryInfo(
            repo_id: repository.id,
            org_name: organisation,
            name: repository.name,
            created_at: repository.createdAt,
            description: repository.description
        )
    }
}
