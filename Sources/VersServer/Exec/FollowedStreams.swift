import NIOCore
import Synchronization
import VersAPI

/// The requests that follow a command or a console right now. They may last for days: each must end when its client
/// leaves, and all of them when the server shuts down.
final class FollowedStreams: Sendable {
    enum Kind: Sendable {
        case command
        case console
    }

    private struct Follow {
        var kind: Kind
        var channel: any Channel
        /// Finished when the follow must end.
        var isNeeded: AsyncStream<Never>.Continuation
    }

    private struct State {
        var follows: [UInt64: Follow] = [:]
        /// Connections whose client has closed its side, until they are gone.
        var halfClosed: Set<ObjectIdentifier> = []
        /// The number of the latest.
        var last: UInt64 = 0
        var total: [Kind: UInt64] = [:]
        var isEnding = false
    }

    private let state = Mutex(State())
    private let lingerTimeout: Duration

    /// - Parameter lingerTimeout: how long a client may take to read the last line at shutdown.
    init(lingerTimeout: Duration) { self.lingerTimeout = lingerTimeout }

    /// True from the start of a graceful shutdown on.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    func counters(of kind: Kind) -> StreamCounters {
        state.withLock { state in
            let active = state.follows.values.count { $0.kind == kind }
            return StreamCounters(streams_total: state.total[kind] ?? 0, streams_active: UInt64(active))
        }
    }

    /// Counts as one more until the ticket is gone.
    /// - Throws: `.unavailable` when the server is shutting down.
    func enter(_ channel: any Channel, following kind: Kind) throws -> FollowTicket {
        let (needed, isNeeded) = AsyncStream.makeStream(of: Never.self)
        let number = state.withLock { state -> UInt64? in
            guard !state.isEnding else { return nil }
            state.last += 1
            state.total[kind, default: 0] += 1
            state.follows[state.last] = Follow(kind: kind, channel: channel, isNeeded: isNeeded)
            if state.halfClosed.contains(ObjectIdentifier(channel)) { isNeeded.finish() }
            return state.last
        }
        guard let number else { throw Self.shuttingDown(kind) }
        // Entered before this look, so that a connection that goes in between is noticed by one or the other.
        if !channel.isActive { isNeeded.finish() }
        return FollowTicket(number: number, needed: needed, owner: self)
    }

    /// The client of this connection has closed its side: nobody reads on.
    func clientLeft(_ channel: any Channel) {
        state.withLock { state in
            state.halfClosed.insert(ObjectIdentifier(channel))
            for follow in state.follows.values where follow.channel === channel { follow.isNeeded.finish() }
        }
    }

    func connectionGone(_ channel: any Channel) {
        state.withLock { state in
            state.halfClosed.remove(ObjectIdentifier(channel))
            for follow in state.follows.values where follow.channel === channel { follow.isNeeded.finish() }
        }
    }

    /// Every follower says that it ends, and does. Clients that do not hear it are cut off.
    func endAll() {
        let follows = state.withLock { state in
            state.isEnding = true
            return Array(state.follows.values)
        }
        for follow in follows {
            follow.isNeeded.finish()
            let channel = follow.channel
            channel.eventLoop.scheduleTask(in: TimeAmount(lingerTimeout)) { channel.close(promise: nil) }
        }
    }

    static func shuttingDown(_ kind: Kind) -> VersError {
        let hint =
            switch kind {
            case .command: "the command runs on: attach to it when the server is back"
            case .console: "the VM runs on: go on where you were when the server is back"
            }
        return VersError(.unavailable, "the server is shutting down", hint: hint)
    }

    fileprivate func leave(_ number: UInt64) {
        state.withLock { _ = $0.follows.removeValue(forKey: number) }
    }
}

/// Held by whoever follows something; dropping it ends the count, also when an answer is never written.
final class FollowTicket: Sendable {
    private let number: UInt64
    private let needed: AsyncStream<Never>
    private let owner: FollowedStreams

    fileprivate init(number: UInt64, needed: AsyncStream<Never>, owner: FollowedStreams) {
        self.number = number
        self.needed = needed
        self.owner = owner
    }

    deinit { owner.leave(number) }

    /// Hands on what `next` returns, one after the other, until that is nil. To be called once.
    /// - Throws: `CancellationError` when the client has left or the server shuts down; the wait for what comes next is
    ///   cancelled then.
    @concurrent
    func forEach<Element: Sendable>(
        of next: @escaping @Sendable () async throws -> Element?,
        _ handle: @concurrent (Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Element?.self) { group in
            defer { group.cancelAll() }
            group.addTask { [needed] in
                for await _ in needed {}
                throw CancellationError()
            }
            while true {
                group.addTask { try await next() }
                guard let element = try await group.next() ?? nil else { return }
                try await handle(element)
            }
        }
    }
}
