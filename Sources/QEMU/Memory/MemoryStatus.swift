internal import VersAPI

/// The answer to `status`.
struct MemoryStatus: Sendable, Hashable {
    var bytes: UInt64
    var layersMapped: Bool
    var mark: CommitID?
    /// Whether a frozen copy exists that is neither kept nor gone.
    var isPending: Bool

    /// Nil when the words are none.
    init?(words: [String]) {
        guard words.count >= 6, let bytes = UInt64(words[1]) else { return nil }
        self.bytes = bytes
        layersMapped = words[2] == "1"
        mark = CommitID(words[4])
        isPending = words[5] == "1"
    }
}

extension MemoryConnection {
    func status() async throws -> MemoryStatus {
        let words = try await request("status", expecting: "status")
        guard let status = MemoryStatus(words: words) else {
            throw MemoryLibraryError.unexpectedAnswer(request: "status", words.joined(separator: " "))
        }
        return status
    }
}
