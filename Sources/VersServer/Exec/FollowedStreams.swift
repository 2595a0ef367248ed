import NIOCore
import Synchronization
import VersAPI

/// The requests that follow a command right now. They may last for days: each must end when its client leaves, and
/// all of them when the server shuts down.
final class FollowedExecs: Sendable {
    private struct Follow {
        var channel: any Channel
        /// Finished when the follow must end.
        var isNeeded: AsyncStream<Never>.Continuation
    }

    private struct State {
        var follows: [UInt64: Follow] = [:]
        /// Connections whose client has closed its side, until they are gone.
        var halfClosed: Set<ObjectIdentifier> = []
        var total: UInt64 = 0
        var isEnding = false
    }

    private let state = Mutex(State())
    private let lingerTimeout: Duration

    /// - Parameter lingerTimeout: how long a client may take to read the last line at shutdown.
    init(lingerTimeout: Duration) { self.lingerTimeout = lingerTimeout }

    /// True from the start of a graceful shutdown on.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    var counters: StreamCounters {
        state.withLock { StreamCounters(streams_total: $0.total, streams_active: UInt64($0.follows.count)) }
    }

    /// Counts as one more until the ticket is gone.
    /// - Throws: `.unavailable` when the server is shutting down.
    func enter(_ channel: any Channel) throws -> FollowTicket {
        let (needed, isNeeded) = AsyncStream.makeStream(of: Never.self)
        let number = state.withLock { state -> UInt64? in
            guard !state.isEnding else { return nil }
            state.total += 1
            state.follows[state.total] = Follow(channel: channel, isNeeded: isNeeded)
            if state.halfClosed.contains(ObjectIdentifier(channel)) { isNeeded.finish() }
            return state.total
        }
        guard let number else { throw Self.shuttingDown }
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

    /// Every follower writes a last line and detaches from its command. Clients that do not read it are cut off.
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

    static var shuttingDown: VersError {
        VersError(
            .unavailable,
            "the server is shutting down",
            hint: "the command runs on: attach to it when the server is back"
        )
    }

    fileprivate func leave(_ number: UInt64) {
        state.withLock { _ = $0.follows.removeValue(forKey: number) }
    }
}

/// Held by whoever follows a command; dropping it ends the count, also when an answer is never written.
final class FollowTicket: Sendable {
    private let number: UInt64
    private let needed: AsyncStream<Never>
    private let owner: FollowedExecs

    fileprivate init(number: UInt64, needed: AsyncStream<Never>, owner: FollowedExecs) {
        self.number = number
        self.needed = needed
        self.owner = owner
    }

    deinit { owner.leave(number) }

    /// Returns when the client has left, the server shuts down, or the task is cancelled. To be called once.
    func waitUntilNotNeeded() async { for await _ in needed {} }
}
