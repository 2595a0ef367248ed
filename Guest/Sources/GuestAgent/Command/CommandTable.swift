import CGuest
import Glibc
import GuestProtocol

/// All commands that run, and the last that ran.
///
/// A command is read as fast as it writes while nobody follows it, and the oldest output is forgotten. While it is
/// followed, reading pauses when the slowest follower is too far behind, so that followers miss nothing.
///
/// When the process has ended, `exit` follows as soon as its output ends. A child that it left in the background
/// may hold the pipe: then `exit` follows after ``silence`` without output, at the latest after ``patience``. What
/// the child writes later is still read, so that it neither blocks nor dies, and is kept for `attach` and `logs`.
///
/// Of an ephemeral command nothing is kept that its followers were sent, and without a follower it is ended.
final class CommandTable {
    static let silence: UInt64 = 200
    static let patience: UInt64 = 1000
    /// Between SIGTERM and SIGKILL when the time is up.
    static let grace: UInt64 = 5000
    /// Between SIGHUP and SIGKILL when nobody follows an ephemeral command any more: it may have to clean up.
    static let ephemeralGrace: UInt64 = 30_000
    static let timedOutStatus: Int32 = 124
    static let rememberedCommands = 64
    static let runningLimit = 4096
    static let inputLimitInBytes = 1024 * 1024
    /// How far behind its slowest follower a command may be, when memory allows.
    static let backlogInBytes = 256 * 1024

    let loop: EventLoop
    let send: (FrameType, UInt32, [UInt8]) -> Void
    var journal: Journal
    private(set) var commands: [WireID: Command] = [:]
    private var ended = Deque<Command>()
    var subscribers: [UInt32: Subscriber] = [:]
    /// Channels in the order of their turns.
    private var turns: [UInt32] = []
    private var buffer = [UInt8](repeating: 0, count: ProtocolLimits.recordInBytes)
    private let cgroup: () -> Int32
    /// What the image says about the environment of whatever runs in it.
    private let imageEnvironment: [EnvironmentVariable]

    init(
        loop: EventLoop,
        journalCapacityInBytes: Int,
        imageEnvironment: [EnvironmentVariable] = [],
        cgroup: @escaping () -> Int32,
        send: @escaping (FrameType, UInt32, [UInt8]) -> Void
    ) {
        self.loop = loop
        journal = Journal(capacityInBytes: journalCapacityInBytes)
        self.cgroup = cgroup
        self.imageEnvironment = imageEnvironment
        self.send = send
    }

    /// - Parameter toolbox: the program of an ephemeral command; nil for one of the image, which is none.
    func start(
        _ request: SpawnRequest,
        toolbox: String? = nil,
        identity: [EnvironmentVariable],
        channel: UInt32
    ) throws(Failure) {
        guard commands[request.id] == nil else {
            throw Failure(.alreadyExists, "exec id \(request.id) is taken")
        }
        guard commands.count - ended.count < Self.runningLimit else {
            throw Failure(.resourceExhausted, "\(Self.runningLimit) commands run already")
        }
        let environment = Environment.merged(
            request: request.environment,
            identity: identity,
            image: imageEnvironment,
            hasTerminal: request.terminal != nil
        )
        let command = try Spawner.start(request, toolbox: toolbox, environment: environment, cgroup: cgroup())
        commands[request.id] = command
        send(.reply, channel, [])
        subscribe(channel, to: command, from: 1)
        watch(command)
        if request.timeout > 0 {
            command.timeoutTimer = loop.schedule(afterMilliseconds: request.timeout) {
                [unowned self, unowned command] in
                expire(command)
            }
        }
        if !request.stdin.isEmpty || !request.keepsInputOpen {
            feed(command, Command.Input(channel: nil, bytes: request.stdin[...], end: !request.keepsInputOpen))
        }
    }

    /// Takes in a command that nobody follows yet.
    func add(_ command: Command) {
        commands[command.id] = command
        watch(command)
    }

    func find(_ id: WireID) throws(Failure) -> Command {
        guard let command = commands[id] else { throw Failure(.notFound, "no command has the exec id \(id)") }
        return command
    }

    func attach(_ id: WireID, cursor: UInt64, fromLatest: Bool, channel: UInt32) throws(Failure) {
        let command = try find(id)
        guard cursor < command.nextCursor || command.exit != nil else {
            throw Failure(
                .invalidArgument,
                "cursor \(cursor) is ahead of the command, which is at \(command.nextCursor - 1)"
            )
        }
        send(.reply, channel, [])
        let next = cursor < .max ? cursor + 1 : .max
        subscribe(channel, to: command, from: fromLatest ? command.nextCursor : max(next, command.oldestCursor))
    }

    func signal(_ number: Int32, to id: WireID) throws(Failure) {
        let command = try find(id)
        guard (1...64).contains(number) else {
            throw Failure(.invalidArgument, "invalid signal \(number): expected 1 to 64")
        }
        guard command.status == nil else { throw Failure(.conflict, "the command \(id) has ended") }
        command.signal(number)
    }

    func resize(_ id: WireID, to size: CellSize) throws(Failure) {
        let command = try find(id)
        guard let terminal = command.terminal else { throw Failure(.conflict, "the command \(id) has no terminal") }
        _ = cguest_set_terminal_size(terminal, size.columns, size.rows)
    }

    private func subscribe(_ channel: UInt32, to command: Command, from cursor: UInt64) {
        let subscriber = Subscriber(channel: channel, command: command, nextCursor: cursor)
        command.subscribers.append(subscriber)
        subscribers[channel] = subscriber
        turns.append(channel)
    }

    func unsubscribe(_ channel: UInt32) {
        guard let subscriber = subscribers.removeValue(forKey: channel) else { return }
        turns.removeAll { $0 == channel }
        let command = subscriber.command
        command.subscribers.removeAll { $0 === subscriber }
        command.trim()
        if command.isEphemeral, command.subscribers.isEmpty { abandon(command) }
        updateReading(command)
    }

    /// Drops all followers; the commands run on, but for ephemeral ones.
    func endSession() {
        for channel in Array(subscribers.keys) { unsubscribe(channel) }
        for command in commands.values where !command.inputs.isEmpty {
            // What was accepted is still fed; nobody waits for the answer.
            var inputs = Deque<Command.Input>()
            while let input = command.inputs.popFirst() {
                inputs.append(Command.Input(channel: nil, bytes: input.bytes, end: input.end))
            }
            command.inputs = inputs
        }
    }

    func grant(_ credit: UInt32, on channel: UInt32) throws(ProtocolError) {
        try subscribers[channel]?.window.grant(credit)
    }

    /// Sends what followers have room for, each a record in turn, while `hasRoom`.
    /// - Returns: whether it stopped for lack of room.
    func pump(while hasRoom: () -> Bool) -> Bool {
        var idle = 0
        while idle < turns.count {
            guard hasRoom() else { return true }
            let channel = turns.removeFirst()
            turns.append(channel)
            guard let subscriber = subscribers[channel] else { continue }
            idle = sendNext(subscriber) ? 0 : idle + 1
        }
        return false
    }

    private func sendNext(_ subscriber: Subscriber) -> Bool {
        let command = subscriber.command
        if let record = command.record(at: subscriber.nextCursor) {
            let cost = OutputRecord.cost(ofBytes: record.data.count)
            guard cost <= subscriber.window.available else { return false }
            subscriber.window.spend(cost)
            subscriber.nextCursor = record.cursor + 1
            subscriber.sentBytes += record.cost
            let output = OutputRecord(
                stream: record.stream,
                cursor: record.cursor,
                timestamp: record.timestamp,
                data: record.data
            )
            send(.output, subscriber.channel, output.encoded())
            command.trim()
            updateReading(command)
            return true
        }
        guard let exit = command.exit else { return false }
        send(.exit, subscriber.channel, exit.encoded())
        unsubscribe(subscriber.channel)
        return true
    }

    /// Forgets an ephemeral command that nobody follows, and has it end if it has not.
    private func abandon(_ command: Command) {
        guard command.exit == nil else {
            release(command)
            commands[command.id] = nil
            return
        }
        // First, so that it does not take the end of its input for a good one.
        end(command, by: SIGHUP, grace: Self.ephemeralGrace)
        failInputs(command)
    }

    /// Remembers the command among the ended ones and forgets the oldest of them.
    func remember(_ command: Command) {
        guard !command.isEphemeral else {
            if command.subscribers.isEmpty { abandon(command) }
            return
        }
        ended.append(command)
        while ended.count > Self.rememberedCommands, let oldest = ended.popFirst() {
            for subscriber in oldest.subscribers { unsubscribe(subscriber.channel) }
            release(oldest)
            commands[oldest.id] = nil
        }
    }

    /// Reads once from one of the command's descriptors.
    /// - Returns: whether there may be more.
    func readOutput(_ command: Command, _ index: Int) -> Bool {
        let output = command.outputs[index]
        let count = read(output.descriptor, &buffer, buffer.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return false }
        guard count > 0 else {
            closeOutput(command, index)
            return false
        }
        command.lastOutput = Clock.monotonicMilliseconds()
        let record = Record(
            execID: command.id,
            stream: output.stream,
            cursor: command.nextCursor,
            timestamp: Clock.wallNanoseconds(),
            offset: journal.endOffset,
            data: Array(buffer[..<count]),
            isForgotten: command.isEphemeral
        )
        command.add(record)
        if command.isEphemeral {
            command.trim()
        } else {
            journal.append(record) { [commands] in commands[$0.execID]?.trim() }
        }
        command.onOutput?(buffer[..<count])
        return true
    }
}
