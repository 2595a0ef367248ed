import VersAPI

/// Who may see and use what. The one place that decides it for everything that has a name.
///
/// What a principal may not see does not exist for it: `.notFound`, like an id that was never given.
struct Access: Sendable {
    let domain: Domain

    /// A commit that `principal` may look at, start VMs from and branch: its organisation's, a public one, or one
    /// that a tag of a public repository names.
    func commit(_ id: CommitID, visibleTo principal: Principal) async throws -> Commit {
        guard let commit = try await domain.metadata.commit(id), commit.deletedAt == nil, commit.kind != .boot else {
            throw Self.noCommit(id)
        }
        if commit.isReadable(by: principal) { return commit }
        guard try await domain.names.isNamedPublicly(id) else { throw Self.noCommit(id) }
        return commit
    }

    /// A commit of the principal's own organisation.
    /// - Throws: `.forbidden` for another's that it may see.
    func commit(_ id: CommitID, ownedBy principal: Principal) async throws -> Commit {
        let commit = try await commit(id, visibleTo: principal)
        guard commit.organisationID == principal.organisationID else {
            throw VersError(
                .forbidden,
                "commit \(id) belongs to another organisation: only its own tags may name it",
                hint: "make it yours by a fork: vers repo fork <org>/<repo>:<tag>"
            )
        }
        return commit
    }

    /// A VM of the principal's own organisation that is not deleted.
    func machine(_ id: MachineID, ownedBy principal: Principal) async throws -> Machine {
        guard let machine = try await domain.metadata.machine(id), machine.deletedAt == nil,
            machine.organisationID == principal.organisationID
        else { throw MachineService.notFound(id) }
        return machine
    }

    private static func noCommit(_ id: CommitID) -> VersError {
        VersError(.notFound, "commit not found: \(id)", hint: "list commits with: vers commit list")
    }
}
