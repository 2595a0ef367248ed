import Foundation
public import VersAPI

extension VersClient {
    /// - Parameter keepPaused: leaves the VM paused.
    public func commit(
        _ machine: MachineID,
        _ request: CommitRequest = CommitRequest(),
        keepPaused: Bool = false,
        skipWaitBoot: Bool = false
    ) async throws -> CommitID {
        let plan = try RequestPlan(
            .post,
            "/vm/\(machine)/commit",
            json: request,
            query: [.flag("keep_paused", keepPaused), .flag("skip_wait_boot", skipWaitBoot)],
            patience: .operation
        )
        return try await transport.value(CommitResponse.self, plan).commit_id
    }

    /// The newest first.
    /// - Parameter limit: 1 to ``CommitPage/maximumLimit``.
    public func commits(limit: Int = CommitPage.defaultLimit, offset: Int = 0) async throws -> CommitPage {
        try await transport.value(CommitPage.self, page("/commits", limit, offset))
    }

    public func publicCommits(limit: Int = CommitPage.defaultLimit, offset: Int = 0) async throws -> CommitPage {
        try await transport.value(CommitPage.self, page("/commits/public", limit, offset))
    }

    public func commit(_ id: CommitID) async throws -> CommitInfo { try await commit(named: .id(id)) }

    /// The commit that a tag or a reference stands for.
    public func commit(named name: CommitName) async throws -> CommitInfo {
        let path = "/commits/\(RequestPlan.segment(name.description))"
        return try await transport.value(CommitInfo.self, RequestPlan(.get, path))
    }

    public func editCommit(_ id: CommitID, _ request: CommitEditRequest) async throws -> CommitInfo {
        try await transport.value(CommitInfo.self, try RequestPlan(.patch, "/commits/\(id)", json: request))
    }

    /// - Throws: `.inUse` while something needs it.
    public func deleteCommit(_ id: CommitID) async throws {
        try await transport.perform(RequestPlan(.delete, "/commits/\(id)", patience: .operation))
    }

    /// The commit itself, then its ancestors up to the root.
    public func history(of id: CommitID) async throws -> [CommitEntity] {
        try await transport.value([CommitEntity].self, RequestPlan(.get, "/vm/commits/\(id)/parents"))
    }

    private func page(_ path: String, _ limit: Int, _ offset: Int) -> RequestPlan {
        let query = [URLQueryItem(name: "limit", value: "\(limit)"), URLQueryItem(name: "offset", value: "\(offset)")]
        return RequestPlan(.get, path, query: query)
    }
}
