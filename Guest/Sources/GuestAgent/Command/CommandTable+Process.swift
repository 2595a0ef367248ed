import CGuest
import Glibc
import GuestProtocol

extension CommandTable {
    private static let readsPerTurn = 4

    /// Begins to follow the process and its output.
    func watch(_ command: Command) {
        command.lastOutput = Clock.monotonicMilliseconds()
        try? loop.add(command.pidDescriptor, EventLoop.readable) { [unowned self, unowned command] _ in
            collect(command)
        }
        updateReading(command)
    }

    /// Reads from the command only while its slowest follower is not too far behind.
    func updateReading(_ command: Command) {
        let limit = min(Self.backlogInBytes, max(8192, journal.capacityInBytes / 2 / max(1, subscribers.count)))
        let isReading = !command.isHeld && (command.subscribers.isEmpty || command.waitingBytes < limit)
        for index in command.outputs.indices where command.outputs[index].isWatched != isReading {
            command.outputs[index].isWatched = isReading
            let descriptor = command.outputs[index].descriptor
            guard isReading else {
                loop.remove(descriptor)
                continue
            }
            try? loop.add(descriptor, EventLoop.readable) { [unowned self, unowned command] _ in
                outputReady(command, descriptor)
            }
        }
    }

    private func outputReady(_ command: Command, _ descriptor: Int32) {
        for _ in 0..<Self.readsPerTurn {
            guard let index = command.outputs.firstIndex(where: { $0.descriptor == descriptor }),
                command.outputs[index].isWatched, readOutput(command, index)
            else { break }
            updateReading(command)
        }
        finishIfDrained(command)
    }

    func closeOutput(_ command: Command, _ index: Int) {
        let output = command.outputs.remove(at: index)
        if output.isWatched { loop.remove(output.descriptor) }
        // The terminal's leading side is closed by `release`, for it takes input and sizes too.
        if output.descriptor != command.terminal { close(output.descriptor) }
    }

    func collect(_ command: Command) {
        let status = cguest_reap(command.pidDescriptor)
        if status == -EAGAIN { return }
        settle(command, status: status < 0 ? 255 : status)
    }

    /// Takes the status of a process that has been reaped.
    func settle(_ command: Command, status: Int32) {
        guard command.status == nil else { return }
        loop.remove(command.pidDescriptor)
        close(command.pidDescriptor)
        command.status = command.hasTimedOut ? Self.timedOutStatus : status
        command.endedAt = Clock.monotonicMilliseconds()
        if !command.hasTimedOut { loop.cancel(command.timeoutTimer) }
        failInputs(command)
        for descriptor in command.outputs.map(\.descriptor) { outputReady(command, descriptor) }
        finishIfDrained(command)
        if command.exit == nil { scheduleDrain(command) }
    }

    private func scheduleDrain(_ command: Command) {
        command.drainTimer = loop.schedule(afterMilliseconds: Self.silence) { [unowned self, unowned command] in
            let now = Clock.monotonicMilliseconds()
            let isPaused = command.outputs.contains { !$0.isWatched }
            let isSilent = now - command.lastOutput >= Self.silence
            if !isPaused, isSilent || now - command.endedAt >= Self.patience {
                finish(command)
            } else {
                scheduleDrain(command)
            }
        }
    }

    private func finishIfDrained(_ command: Command) {
        if command.status != nil, command.outputs.isEmpty { finish(command) }
        if command.exit != nil, command.outputs.isEmpty { release(command) }
    }

    private func finish(_ command: Command) {
        guard command.exit == nil, let status = command.status else { return }
        loop.cancel(command.drainTimer)
        command.exit = ExitRecord(code: status, cursor: command.nextCursor)
        command.onEnd?(status)
        if command.outputs.isEmpty { release(command) }
        remember(command)
    }

    /// Closes what is left of a command that has ended.
    func release(_ command: Command) {
        loop.cancel(command.drainTimer)
        while !command.outputs.isEmpty { closeOutput(command, 0) }
        if let stdin = command.stdin, stdin != command.terminal { closeInput(command, stdin) }
        if let terminal = command.terminal, command.stdin != nil {
            command.stdin = nil
            loop.remove(terminal)
            close(command.inputWatch)
            close(terminal)
        }
    }

    /// Ends every command and lets go of what it holds.
    func killAll() {
        for command in commands.values {
            if command.status == nil {
                command.signal(SIGKILL)
                var info = siginfo_t()
                waitid(P_PIDFD, id_t(command.pidDescriptor), &info, Int32(WEXITED))
                loop.remove(command.pidDescriptor)
                close(command.pidDescriptor)
            }
            // Output that is still open is held by children in the background.
            if !command.outputs.isEmpty { command.signal(SIGKILL) }
            release(command)
        }
    }

    func expire(_ command: Command) {
        guard command.status == nil else { return }
        command.hasTimedOut = true
        end(command, by: SIGTERM, grace: Self.grace)
    }

    /// Asks a command that runs to end, and ends it when its grace is over.
    func end(_ command: Command, by number: Int32, grace: UInt64) {
        loop.cancel(command.timeoutTimer)
        command.signal(number)
        // It may be forgotten by then.
        command.timeoutTimer = loop.schedule(afterMilliseconds: grace) { [weak command] in
            command?.signal(SIGKILL)
        }
    }
}
