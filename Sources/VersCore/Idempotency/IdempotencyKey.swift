public import VersAPI

/// A client's name for one request, so that it can be sent again without being done again. Of one API key: two keys
/// may use the same text.
public struct IdempotencyKey: Sendable, Hashable {
    public static let lengthLimit = 255

    public var keyID: KeyID
    public var text: String

    /// - Throws: `.invalidArgument` unless `text` has 1 to 255 visible ASCII characters.
    public init(keyID: KeyID, text: String) throws {
        guard (1...Self.lengthLimit).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw VersError(
                .invalidArgument,
                "invalid X-Idempotency-Key of \(text.utf8.count) bytes: "
                    + "expected 1 to \(Self.lengthLimit) visible ASCII characters",
                hint: "use a random UUID for every request that is not a repetition"
            )
        }
        self.keyID = keyID
        self.text = text
    }

    /// The request that the present task works on, when its client named it. What makes VMs and commits records them
    /// under that name in the same transaction, so that a repetition finds them whenever the daemon was ended.
    @TaskLocal public static var current: IdempotencyKey?
}

/// What a request that was cut off had made before.
public struct RecordedEffects: Sendable, Equatable {
    public var machines: [MachineID]
    /// Those that exist: an undone one was not made.
    public var commits: [CommitID]

    public init(machines: [MachineID] = [], commits: [CommitID] = []) {
        self.machines = machines
        self.commits = commits
    }
}

/// An answer as it is kept.
public struct StoredAnswer: Sendable, Codable, Equatable {
    public var status: Int
    public var headers: [String: String]
    public var body: [UInt8]

    public init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
