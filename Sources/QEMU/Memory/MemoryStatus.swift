internal import VersAPI

/// What is known of a guest's memory.
struct MemoryStatus: Sendable, Hashable {
    var bytes: UInt64
    var layersMapped: Bool
    var mark: CommitID?
    /// Whether a frozen copy exists that is neither kept nor gone.
    var isPending: Bool
}

extension MemoryStatus {
    /// The library's answer to `status`. Nil when the words are none.
    init?(words: [String]) {
        guard words.count >= 6, let bytes = UInt64(words[1]) else { return nil }
        self.init(bytes: bytes, layersMapped: words[2] == "1", mark: CommitID(words[4]), isPending: words[5] == "1")
    }
}
