import VersAPI

@testable import VersCore

/// What a principal of the owner's organisation asks for: most tests have no other.
extension MachineService {
    private var owner: Principal { Principal(keyID: KeyID(), organisationID: .owner) }

    func list() async throws -> [MachineSummary] { try await list(for: owner) }

    func summary(of id: MachineID) async throws -> MachineSummary { try await summary(of: id, for: owner) }

    func metadata(of id: MachineID) async throws -> MachineMetadata { try await metadata(of: id, for: owner) }

    func create(
        _ configuration: MachineConfiguration,
        owner: KeyID,
        waitForBoot: Bool
    ) async throws -> MachineID {
        let principal = Principal(keyID: owner, organisationID: .owner)
        return try await create(configuration, waitForBoot: waitForBoot, for: principal)
    }

    func create(from commit: CommitID, owner: KeyID) async throws -> MachineID {
        try await create(from: commit, for: Principal(keyID: owner, organisationID: .owner))
    }

    func branch(
        _ source: BranchSource,
        count: Int,
        options: FreezeOptions,
        owner: KeyID
    ) async throws -> [MachineID] {
        let principal = Principal(keyID: owner, organisationID: .owner)
        return try await branch(source, count: count, options: options, for: principal)
    }

    func commit(
        _ id: MachineID,
        request: CommitRequest,
        options: FreezeOptions,
        owner: KeyID
    ) async throws -> CommitID {
        let principal = Principal(keyID: owner, organisationID: .owner)
        return try await commit(id, request: request, options: options, for: principal)
    }

    func setState(of id: MachineID, to state: RequestedState, skipWaitBoot: Bool) async throws {
        try await setState(of: id, to: state, skipWaitBoot: skipWaitBoot, for: owner)
    }

    func resizeDisk(of id: MachineID, toMiB sizeMiB: Int, skipWaitBoot: Bool) async throws {
        try await resizeDisk(of: id, toMiB: sizeMiB, skipWaitBoot: skipWaitBoot, for: owner)
    }

    func upsertLabels(_ labels: [String: String], of id: MachineID) async throws {
        try await upsertLabels(labels, of: id, for: owner)
    }

    func delete(_ id: MachineID, recursive: Bool, skipWaitBoot: Bool) async throws -> [MachineID] {
        try await delete(id, recursive: recursive, skipWaitBoot: skipWaitBoot, for: owner)
    }

    func sshKey(of id: MachineID) async throws -> SSHKeyResponse { try await sshKey(of: id, for: owner) }

    func guest(of id: MachineID, skipWaitBoot: Bool) async throws -> any GuestSession {
        try await guest(of: id, skipWaitBoot: skipWaitBoot, for: owner)
    }

    func branchSource(named text: String) async throws -> BranchSource {
        try await branchSource(named: text, for: owner)
    }
}

extension CommitService {
    private var owner: Principal { Principal(keyID: KeyID(), organisationID: .owner) }

    func list(limit: Int, offset: Int) async throws -> CommitPage {
        try await list(limit: limit, offset: offset, for: owner)
    }

    func info(of id: CommitID) async throws -> CommitInfo { try await info(of: id, for: owner) }

    func edit(_ id: CommitID, _ request: CommitEditRequest) async throws -> CommitInfo {
        try await edit(id, request, for: owner)
    }

    func delete(_ id: CommitID) async throws { try await delete(id, for: owner) }

    func history(of id: CommitID) async throws -> [CommitEntity] { try await history(of: id, for: owner) }
}
