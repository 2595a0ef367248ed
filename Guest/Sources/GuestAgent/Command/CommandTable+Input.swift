import Glibc
import GuestProtocol

extension CommandTable {
    /// Ends input on a terminal, as Control-D does.
    private static let endOfTransmission: UInt8 = 4
    /// A terminal takes a carriage return for a line feed.
    private static let lineEnds = [UInt8(ascii: "\n"), UInt8(ascii: "\r")]

    func input(_ id: WireID, _ bytes: [UInt8], end: Bool, channel: UInt32) throws(Failure) {
        let command = try find(id)
        guard command.status == nil, command.stdin != nil, command.inputs.last?.end != true else {
            throw Failure(.conflict, "the command \(id) takes no more input")
        }
        guard command.inputBytes + bytes.count <= Self.inputLimitInBytes else {
            throw Failure(.resourceExhausted, "the command \(id) has not read \(command.inputBytes) bytes of its input")
        }
        feed(command, Command.Input(channel: channel, bytes: bytes[...], end: end))
    }

    func feed(_ command: Command, _ input: Command.Input) {
        var input = input
        if let last = input.bytes.last { command.isWithinLine = !Self.lineEnds.contains(last) }
        if input.end, command.terminal != nil {
            // Within a line, the first only hands over what was typed.
            input.bytes += Array(repeating: Self.endOfTransmission, count: command.isWithinLine ? 2 : 1)
        }
        command.inputs.append(input)
        command.inputBytes += input.bytes.count
        writeInput(command)
    }

    private func writeInput(_ command: Command) {
        while let descriptor = command.stdin, var input = command.inputs.popFirst() {
            let count =
                input.bytes.isEmpty ? 0 : input.bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EAGAIN || errno == EINTR {
                command.inputs.putBack(input)
                watchInput(command, descriptor)
                return
            }
            guard count >= 0 else {
                command.inputs.putBack(input)
                failInputs(command)
                return
            }
            input.bytes = input.bytes.dropFirst(count)
            command.inputBytes -= count
            guard input.bytes.isEmpty else {
                command.inputs.putBack(input)
                continue
            }
            if let channel = input.channel { send(.reply, channel, []) }
            if input.end { closeInput(command, descriptor) }
        }
        if command.isWatchingInput, let descriptor = command.stdin { unwatchInput(command, descriptor) }
    }

    private func watchInput(_ command: Command, _ descriptor: Int32) {
        guard !command.isWatchingInput else { return }
        command.isWatchingInput = true
        try? loop.add(command.inputWatch, EventLoop.writable) { [unowned self, unowned command] _ in
            writeInput(command)
        }
    }

    private func unwatchInput(_ command: Command, _ descriptor: Int32) {
        guard command.isWatchingInput else { return }
        command.isWatchingInput = false
        loop.remove(command.inputWatch)
    }

    /// Nobody reads any more.
    func failInputs(_ command: Command) {
        while let input = command.inputs.popFirst() {
            guard let channel = input.channel else { continue }
            send(.failure, channel, Failure(.conflict, "the command \(command.id) has closed its input").encoded())
        }
        command.inputBytes = 0
        if let stdin = command.stdin { closeInput(command, stdin) }
    }

    func closeInput(_ command: Command, _ descriptor: Int32) {
        unwatchInput(command, descriptor)
        guard command.terminal == nil else { return }
        close(descriptor)
        command.stdin = nil
    }
}
