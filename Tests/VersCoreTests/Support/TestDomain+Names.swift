import Testing
import VersAPI

@testable import VersCore

extension TestDomain {
    var tags: TagService { TagService(domain: domain) }
    var repositories: RepositoryService { RepositoryService(domain: domain, machines: machines) }
    var environment: EnvironmentService { EnvironmentService(domain: domain) }
    var domainNames: DomainNameService { DomainNameService(domain: domain) }

    /// Whoever owns what the other helpers make.
    var principal: Principal { Principal(keyID: owner, organisationID: .owner) }
    /// Somebody of another organisation.
    static let stranger = Principal(keyID: KeyID(), organisationID: OrganisationID())

    /// A commit of a VM that is gone.
    func lonelyCommit() async throws -> CommitID {
        let machine = try await create()
        let id = try await commit(machine)
        _ = try await machines.delete(machine, recursive: false, skipWaitBoot: false)
        return id
    }
}

/// The code of the error that `body` throws.
func refusal(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async -> VersError? {
    await #expect(throws: VersError.self, sourceLocation: sourceLocation) { try await body() }
}
