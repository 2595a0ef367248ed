public import Foundation
public import VersAPI

/// Everything that is true, in one transactional store. A call is one transaction; when it returns, the change
/// survives a crash of the daemon and of the host.
public protocol MetadataStoring: Sendable {
    func machine(_ id: MachineID) async throws -> Machine?
    /// Not deleted, the oldest first.
    func liveMachines() async throws -> [Machine]
    /// The same of one organisation, as lists show them: asked for all the time, and read without what lists do not show.
    func summaries(of organisation: OrganisationID) async throws -> [MachineSummary]
    /// Not deleted, started from a commit of `id`, the oldest first.
    func children(of id: MachineID) async throws -> [Machine]
    /// Not deleted, started from `commit`, the oldest first.
    func machines(startedFrom commit: CommitID) async throws -> [Machine]
    /// Inserts all or none. `.alreadyExists` when an id is taken, `.limitExceeded` when their key has too many then.
    /// - Parameter parent: `.notFound` when that VM, which they were branched from, is deleted by now.
    func insert(_ machines: [Machine], branchedFrom parent: MachineID?) async throws
    /// Marks a machine deleted, unless children of it live.
    /// - Returns: the machine; nil when it has children.
    func delete(_ id: MachineID, at date: Date) async throws -> Machine?
    /// Changes one machine in place and returns it. `.notFound` when it does not exist.
    @discardableResult
    func update(_ id: MachineID, _ change: @Sendable @escaping (inout Machine) -> Void) async throws -> Machine

    /// Also a deleted one.
    func commit(_ id: CommitID) async throws -> Commit?
    /// Not deleted, of any kind.
    func liveCommits() async throws -> [Commit]
    /// Not deleted and of kind `named`, the newest first, with their number.
    func namedCommits(in scope: CommitScope, limit: Int, offset: Int) async throws -> CommitSlice
    /// Inserts a commit and, in the same transaction, changes the machine it was taken from.
    func insert(
        _ commit: Commit,
        changing machine: MachineID?,
        _ change: @Sendable @escaping (inout Machine) -> Void
    ) async throws
    @discardableResult
    func update(_ id: CommitID, _ change: @Sendable @escaping (inout Commit) -> Void) async throws -> Commit
}

extension MetadataStoring {
    /// The same for machines that were not branched just now.
    public func insert(_ machines: [Machine]) async throws { try await insert(machines, branchedFrom: nil) }
}

/// Whose commits a list is of.
public enum CommitScope: Sendable, Hashable {
    case organisation(OrganisationID)
    /// Those that everybody may see.
    case published
}

/// Part of a list and the length of the whole.
public struct CommitSlice: Sendable {
    public var commits: [Commit]
    public var total: Int

    public init(commits: [Commit], total: Int) {
        self.commits = commits
        self.total = total
    }
}
