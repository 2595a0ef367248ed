import NIOCore
import Synchronization
import VersAPI

/// The requests that follow a command right now. They may last for days, so a graceful shutdown must end them.
final class FollowedExecs: Sendable {
    private struct State {
        var channels: [UInt64: any Channel] = [:]
        var total: UInt64 = 0
        var isEnding = false
    }

    private let state = Mutex(State())

    /// True from the start of a graceful shutdown on.
    var isEnding: Bool { state.withLock { $0.isEnding } }

    var counters: StreamCounters {
        state.withLock { StreamCounters(streams_total: $0.total, streams_active: UInt64($0.channels.count)) }
    }

    /// Counts as one more until the ticket is gone.
    /// - Throws: `.unavailable` when the server is shutting down.
    func enter(_ channel: any Channel) throws -> FollowTicket {
        let number = state.withLock { state -> UInt64? in
            guard !state.isEnding else { return nil }
            state.total += 1
            state.channels[state.total] = channel
            return state.total
        }
        guard let number else { throw Self.shuttingDown }
        return FollowTicket(number: number, owner: self)
    }

    /// Makes every follower see its client's side closed; each then says goodbye and detaches from its command.
    func endAll() {
        let channels = state.withLock { state in
            state.isEnding = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(mode: .input, promise: nil) }
    }

    static var shuttingDown: VersError {
        VersError(
            .unavailable,
            "the server is shutting down",
            hint: "the command runs on: attach to it when the server is back"
        )
    }

    fileprivate func leave(_ number: UInt64) {
        state.withLock { _ = $0.channels.removeValue(forKey: number) }
    }
}

/// Held by whoever follows a command; dropping it ends the count, also when an answer is never written.
final class FollowTicket: Sendable {
    private let number: UInt64
    private let owner: FollowedExecs

    fileprivate init(number: UInt64, owner: FollowedExecs) {
        self.number = number
        self.owner = owner
    }

    deinit { owner.leave(number) }
}
