public import SystemPackage
public import VersAPI

/// The bytes of commits: one directory each, complete when its manifest is in place.
public protocol CommitStoring: Sendable {
    /// Creates the directory of a commit that is being made. `.internal` when there is one.
    func create(_ id: CommitID) async throws -> FilePath

    /// Makes a machine's disk file a layer of the commit as well, under the layer's name (a hard link).
    func adoptDisk(_ disk: FilePath, into id: CommitID) async throws

    /// Flushes those files of the commit that are there, and the entries of its directory. Returns when all of it is on
    /// stable storage.
    func flush(_ files: [LayerFile], of id: CommitID) async throws

    /// Flushes every file of the commit, then puts the manifest in place. Idempotent. Returns when both are on
    /// stable storage.
    func seal(_ commit: Commit) async throws

    /// Compares every file that the commit's manifest names with its size and digest.
    /// - Throws: `.incompatible` naming the file that differs.
    func verify(_ id: CommitID) async throws

    /// Every directory there is, whether a commit is recorded for it or not.
    func all() async throws -> [CommitID]

    /// Deletes the files of the given directories that nothing needs any more.
    /// - Returns: the number of files deleted.
    @discardableResult
    func reclaim(_ candidates: [CommitID], keeping needed: NeededLayers) async throws -> Int
}

/// The layers that some commit, VM or running operation needs.
public struct NeededLayers: Sendable, Equatable {
    public var memory: Set<CommitID> = []
    public var deviceState: Set<CommitID> = []
    public var disk: Set<CommitID> = []
    /// Directories to leave alone altogether: made or used by an operation at this moment.
    public var inProgress: Set<CommitID> = []

    public init() {}
}
