import Glibc
import GuestProtocol

/// A command that runs or ran.
final class Command {
    struct Input {
        let channel: UInt32?
        var bytes: ArraySlice<UInt8>
        let end: Bool
    }

    /// One descriptor that output is read from.
    struct Output {
        let descriptor: Int32
        let stream: RecordStream
        var isWatched = false
    }

    let id: WireID
    /// Whether it ends with its follower and leaves nothing of its output behind.
    let isEphemeral: Bool
    let pid: Int32
    let pidDescriptor: Int32
    /// The leading side of the command's terminal.
    let terminal: Int32?
    var stdin: Int32?
    /// Stands for ``stdin`` in the event loop, where a terminal's own number is taken by its output.
    let inputWatch: Int32
    var outputs: [Output]
    var inputs = Deque<Input>()
    var inputBytes = 0
    var isWatchingInput = false
    /// Whether input so far ends in the middle of a line.
    var isWithinLine = false

    var backlog = Deque<Record>()
    var backlogBytes = 0
    /// What all records of this command cost, also those that are forgotten.
    var totalBytes = 0
    var nextCursor: UInt64 = 1
    var subscribers: [Subscriber] = []

    /// Called with each piece of output.
    var onOutput: ((ArraySlice<UInt8>) -> Void)?
    /// Called with the status, behind the last piece of output that is waited for.
    var onEnd: ((Int32) -> Void)?
    /// Whether whoever takes its output has no room for more.
    var isHeld = false

    /// Set when the process has ended; output may still follow.
    var status: Int32?
    /// Set when followers were told, or may be.
    var exit: ExitRecord?
    var hasTimedOut = false
    var timeoutTimer: EventLoop.TimerID?
    var drainTimer: EventLoop.TimerID?
    var lastOutput: UInt64 = 0
    var endedAt: UInt64 = 0

    init(
        id: WireID,
        isEphemeral: Bool,
        pid: Int32,
        pidDescriptor: Int32,
        terminal: Int32?,
        stdin: Int32?,
        outputs: [Output]
    ) {
        inputWatch = terminal.map { fcntl($0, F_DUPFD_CLOEXEC, 3) } ?? stdin ?? -1
        self.id = id
        self.isEphemeral = isEphemeral
        self.pid = pid
        self.pidDescriptor = pidDescriptor
        self.terminal = terminal
        self.stdin = stdin
        self.outputs = outputs
    }

    /// The oldest record that is left, or the next that will come.
    var oldestCursor: UInt64 { backlog.first?.cursor ?? nextCursor }

    /// Bytes that the slowest follower has not been sent.
    var waitingBytes: Int {
        guard let slowest = subscribers.map(\.sentBytes).min() else { return 0 }
        return min(totalBytes - slowest, backlogBytes)
    }

    func record(at cursor: UInt64) -> Record? {
        guard let oldest = backlog.first, cursor >= oldest.cursor, cursor < nextCursor else { return nil }
        return backlog[Int(cursor - oldest.cursor)]
    }

    func add(_ record: Record) {
        backlog.append(record)
        backlogBytes += record.cost
        totalBytes += record.cost
        nextCursor = record.cursor + 1
    }

    /// Lets go of what the journal has forgotten and every follower was sent.
    func trim() {
        let needed = subscribers.map(\.nextCursor).min() ?? .max
        while let oldest = backlog.first, oldest.isForgotten, oldest.cursor < needed {
            backlog.popFirst()
            backlogBytes -= oldest.cost
        }
    }

    /// Sends a signal to the process group, and to the group in the foreground of its terminal.
    func signal(_ number: Int32) {
        kill(-pid, number)
        guard let terminal else { return }
        let foreground = tcgetpgrp(terminal)
        if foreground > 1, foreground != pid { kill(-foreground, number) }
    }
}
