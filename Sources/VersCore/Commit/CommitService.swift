public import VersAPI

/// Everything that can be asked about and done to commits that exist.
public final class CommitService: Sendable {
    /// Visible commits, the newest first.
    public func list(limit: Int, offset: Int) async throws -> CommitPage { fatalError() }

    public func listPublic(limit: Int, offset: Int) async throws -> CommitPage { fatalError() }

    public func info(of id: CommitID) async throws -> CommitInfo { fatalError() }

    public func edit(_ id: CommitID, _ request: CommitEditRequest) async throws -> CommitInfo { fatalError() }

    /// - Throws: `.inUse`, naming what needs it.
    public func delete(_ id: CommitID) async throws { fatalError() }

    /// The commit itself, then its ancestors up to the root.
    public func history(of id: CommitID) async throws -> [CommitEntity] { fatalError() }
}
