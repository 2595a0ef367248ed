public import Foundation
import VersAPI

/// Requests that clients have named, and how far they got. A call is one transaction.
public protocol IdempotencyStoring: Sendable {
    /// Begins a request, or tells what became of the one of that name. Drops what is older than `oldest`, and of that
    /// API key's finished requests all but the newest `limit`.
    func claim(
        _ key: IdempotencyKey,
        fingerprint: Data,
        at date: Date,
        droppingOlderThan oldest: Date,
        limit: Int
    ) async throws -> IdempotencyClaim
    /// - Parameter answer: nil when it is not kept.
    func finish(_ key: IdempotencyKey, answer: Data?, at date: Date) async throws
    /// Forgets a request: it changed nothing, and may be sent again.
    func forget(_ key: IdempotencyKey) async throws
}

/// What became of a request.
public enum IdempotencyClaim: Sendable, Equatable {
    /// It is new, and the caller's to do.
    case begun
    /// It is done. The answer is nil when it was too large to keep.
    case answered(Data?)
    /// A daemon was ended in the middle of it.
    case interrupted(RecordedEffects)
    /// The name was given to another request.
    case mismatch
}
