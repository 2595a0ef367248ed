public import Foundation
public import Logging
public import VersAPI

/// Sees to it that a request which is sent again is not done again.
///
/// Answers are kept for a day, ``answersPerKey`` for each API key. They are sealed with a key that is made from the API
/// key's text, which the server does not have: whoever reads the database cannot read them.
public final class IdempotencyService: Sendable {
    public static let lifetime: TimeInterval = 24 * 3600
    public static let answersPerKey = 1000

    /// One named request.
    public struct Request: Sendable {
        public var key: IdempotencyKey
        /// Of everything that makes it this request: a hash.
        public var fingerprint: [UInt8]
        /// The API key that it came with.
        public var secret: String

        public init(key: IdempotencyKey, fingerprint: [UInt8], secret: String) {
            self.key = key
            self.fingerprint = fingerprint
            self.secret = secret
        }
    }

    /// What a try has come to.
    public enum Outcome: Sendable {
        /// The answer of every repetition.
        case final(StoredAnswer)
        /// Done, but a repetition must find the answer out again: it is too large to keep.
        case unkept(StoredAnswer)
        /// Nothing was done, and a repetition may fare better.
        case passing(StoredAnswer)

        var answer: StoredAnswer {
            switch self {
            case .final(let answer), .unkept(let answer), .passing(let answer): answer
            }
        }
    }

    /// What a request may rest on when it is not the first of its name.
    public struct Repetition: Sendable {
        public var effects: RecordedEffects
    }

    public struct Reply: Sendable {
        public var answer: StoredAnswer
        /// Whether the answer was given before.
        public var isReplayed: Bool
    }

    private let store: any IdempotencyStoring
    private let keys: any KeyMaterialProviding
    private let locks = RequestLocks()
    private let logger: Logger

    public init(store: any IdempotencyStoring, keys: any KeyMaterialProviding, logger: Logger) {
        self.store = store
        self.keys = keys
        self.logger = logger
    }

    /// The hash of a request's parts.
    public func fingerprint(of parts: [[UInt8]]) -> [UInt8] { keys.sha256(parts.flatMap { keys.sha256($0) }) }

    /// The id of the command that a named request runs: the same for every repetition, and for no other request.
    public func execID(of request: Request) -> ExecID {
        let hash = keys.sha256(Array("\(request.key.keyID)\n\(request.key.text)\n".utf8) + request.fingerprint)
        let digits = Array(KeyService.hexadecimal(Array(hash.prefix(16))))
        // Version 8 of RFC 9562: made from something, in a way of one's own.
        let groups = [digits[0..<8], digits[8..<12], ["8"] + digits[13..<16], ["8"] + digits[17..<20], digits[20..<32]]
        return ExecID(groups.map { String($0) }.joined(separator: "-")) ?? ExecID()
    }

    /// Answers a request: with the answer that it had before, or by doing it. Of two at once the second waits.
    ///
    /// - Parameter perform: does it. Is told what a try that was cut off had made before.
    /// - Throws: `.idempotencyKeyReused` for another request under the same name, whatever `perform` throws otherwise;
    ///   the request is forgotten then, unless the error is `.interrupted`.
    public func answer(
        _ request: Request,
        perform: (Repetition?) async throws -> Outcome
    ) async throws -> Reply {
        try await locks.withLock(request.key) {
            let now = Date()
            let claim = try await store.claim(
                request.key,
                fingerprint: Data(request.fingerprint),
                at: now,
                droppingOlderThan: now.addingTimeInterval(-Self.lifetime),
                limit: Self.answersPerKey
            )
            switch claim {
            case .answered(let box?): return Reply(answer: try open(box, of: request), isReplayed: true)
            case .answered(nil): return try await self.perform(request, Repetition(effects: .init()), perform)
            case .interrupted(let effects):
                return try await self.perform(request, Repetition(effects: effects), perform)
            case .begun: return try await self.perform(request, nil, perform)
            case .mismatch: throw Self.reused(request.key)
            }
        }
    }

    private func perform(
        _ request: Request,
        _ repetition: Repetition?,
        _ perform: (Repetition?) async throws -> Outcome
    ) async throws -> Reply {
        let outcome: Outcome
        do {
            outcome = try await IdempotencyKey.$current.withValue(request.key) { try await perform(repetition) }
        } catch let error as VersError where error.code == .interrupted {
            throw error
        } catch {
            await forget(request.key)
            throw error
        }
        await keep(outcome, of: request)
        return Reply(answer: outcome.answer, isReplayed: false)
    }

    /// The request is done whether its answer can be kept or not. A repetition of one that could not finds what a
    /// request leaves that was cut off.
    private func keep(_ outcome: Outcome, of request: Request) async {
        // A task of its own, awaited here: it does not inherit the cancellation of a client that left.
        await Task {
            do {
                switch outcome {
                case .final(let answer):
                    try await store.finish(request.key, answer: try seal(answer, of: request), at: Date())
                case .unkept: try await store.finish(request.key, answer: nil, at: Date())
                case .passing: try await store.forget(request.key)
                }
            } catch {
                logger.error("answer could not be kept", metadata: ["error": "\(error)"])
            }
        }.value
    }

    /// Also for a task that was cancelled. A name that cannot be forgotten is found interrupted later.
    private func forget(_ key: IdempotencyKey) async {
        await Task { [store, logger] in
            do {
                try await store.forget(key)
            } catch {
                logger.error("request could not be forgotten", metadata: ["error": "\(error)"])
            }
        }.value
    }

    private func seal(_ answer: StoredAnswer, of request: Request) throws -> Data {
        Data(try keys.seal(Array(try JSONCoding.encode(answer)), key: boxKey(of: request)))
    }

    private func open(_ box: Data, of request: Request) throws -> StoredAnswer {
        guard let text = try keys.open(Array(box), key: boxKey(of: request)) else {
            throw VersError(.internal, "the answer that was kept of this request is damaged")
        }
        return try JSONCoding.decode(StoredAnswer.self, from: Data(text))
    }

    private func boxKey(of request: Request) -> [UInt8] {
        keys.sha256(Array("vers answer\n\(request.secret)\n\(request.key.text)".utf8))
    }

    private static func reused(_ key: IdempotencyKey) -> VersError {
        VersError(
            .idempotencyKeyReused,
            "idempotency key '\(key.text)' was used for another request: expected the same method, path, query and body",
            hint: "use a new key for every request that is not a repetition"
        )
    }
}

/// Who works on which request, for as long as somebody does.
private actor RequestLocks {
    private var entries: [IdempotencyKey: (lock: AsyncLock, users: Int)] = [:]

    nonisolated func withLock<Value: Sendable>(
        _ key: IdempotencyKey,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let lock = await enter(key)
        do {
            let value = try await lock.withLock(body)
            await leave(key)
            return value
        } catch {
            await leave(key)
            throw error
        }
    }

    private func enter(_ key: IdempotencyKey) -> AsyncLock {
        let entry = entries[key] ?? (AsyncLock(), 0)
        entries[key] = (entry.lock, entry.users + 1)
        return entry.lock
    }

    private func leave(_ key: IdempotencyKey) {
        guard let entry = entries[key] else { return }
        entries[key] = entry.users > 1 ? (entry.lock, entry.users - 1) : nil
    }
}
