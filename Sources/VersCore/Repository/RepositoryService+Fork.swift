import Foundation
public import VersAPI

extension RepositoryService {
    /// Makes a tag of a public repository one's own: a commit with the same state, a VM that runs from it, and a
    /// repository whose tag names it. All or nothing, also when the daemon ends in between.
    /// - Throws: `.notFound` (the source), `.alreadyExists` (the repository).
    public func fork(_ request: ForkRequest, for principal: Principal) async throws -> ForkResponse {
        let source = try Self.source(of: request)
        let repositoryName = request.repo_name ?? request.source_repo
        let tagName = request.tag_name ?? request.source_tag
        try Self.check(name: repositoryName)
        try ResourceName.checkTagName(tagName, of: "tag name")
        let commitID = try await TagService(domain: domain).commit(named: .reference(source), for: principal)
        // Checked again when it is recorded; here it saves a VM.
        guard try await domain.names.repository(repositoryName, of: principal.organisationID) == nil else {
            throw VersError(
                .alreadyExists,
                "repository '\(repositoryName)' exists already",
                hint: "choose another name: vers repo fork \(source) --repo-name <name>"
            )
        }
        let now = Date()
        let repository = Repository(
            organisationID: principal.organisationID,
            name: repositoryName,
            description: nil,
            createdAt: now
        )
        let names = domain.names
        let (commit, machine) = try await machines.fork(commitID, for: principal) { commit, machine in
            let tag = Tag(
                scope: .repository(repository.id),
                name: tagName,
                commitID: commit.id,
                description: nil,
                createdAt: now,
                updatedAt: now
            )
            try await names.insert(Fork(commit: commit, machine: machine, repository: repository, tag: tag))
        }
        return ForkResponse(repo_name: repositoryName, tag_name: tagName, commit_id: commit, vm_id: machine)
    }

    private static func source(of request: ForkRequest) throws -> TagReference {
        let reference = TagReference(
            organisation: request.source_org,
            repository: request.source_repo,
            tag: request.source_tag
        )
        guard TagReference(reference.description) == reference else {
            throw VersError(
                .invalidArgument,
                "invalid source '\(reference.description.prefix(200))': expected the names of an organisation, "
                    + "a repository and a tag"
            )
        }
        return reference
    }
}
