import Foundation
public import VersAPI

/// Repositories and their tags.
public final class RepositoryService: Sendable {
    /// Names that paths of the API have taken.
    private static let reservedNames: Set<String> = ["fork"]

    let domain: Domain
    let machines: MachineService

    public init(domain: Domain, machines: MachineService) {
        self.domain = domain
        self.machines = machines
    }

    var book: TagBook { TagBook(domain: domain) }
    var finder: RepositoryFinder { RepositoryFinder(domain: domain) }

    public func list(for principal: Principal) async throws -> RepositoryList {
        RepositoryList(repositories: try await domain.names.repositories(of: principal.organisationID).map(\.info))
    }

    /// Creates a private repository without tags.
    /// - Throws: `.alreadyExists`.
    public func create(
        _ request: RepositoryCreateRequest,
        for principal: Principal
    ) async throws -> RepositoryCreateResponse {
        try Self.check(name: request.name)
        if let description = request.description { try Validation.description(description) }
        let repository = Repository(
            organisationID: principal.organisationID,
            name: request.name,
            description: request.description,
            createdAt: Date()
        )
        try await domain.names.insert(repository)
        return RepositoryCreateResponse(repo_id: repository.id, name: repository.name)
    }

    public func info(of name: String, for principal: Principal) async throws -> RepositoryInfo {
        try await finder.repository(name, ownedBy: principal).info
    }

    /// Its tags go with it; the commits stay.
    public func delete(_ name: String, for principal: Principal) async throws {
        guard try await domain.names.deleteRepository(name, of: principal.organisationID) else {
            throw RepositoryFinder.notFound(name)
        }
    }

    public func setVisibility(of name: String, isPublic: Bool, for principal: Principal) async throws {
        guard
            try await domain.names.setVisibility(
                ofRepository: name,
                of: principal.organisationID,
                isPublic: isPublic
            )
        else { throw RepositoryFinder.notFound(name) }
    }

    static func check(name: String) throws {
        try ResourceName.checkTagName(name, of: "repository name")
        guard !reservedNames.contains(name) else {
            throw VersError(.invalidArgument, "invalid repository name '\(name)': it is a word of the API")
        }
    }
}
