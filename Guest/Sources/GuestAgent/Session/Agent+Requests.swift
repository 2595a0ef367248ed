import Glibc
import GuestProtocol

extension Agent {
    func receive(_ frame: Frame) {
        switch handshake.receive(frame) {
        case .ignore: break
        case .begin(let nonce, let version):
            endSession()
            port.beginSession()
            answerHello(nonce, version: version)
        case .repeatAnswer(let nonce, let version): answerHello(nonce, version: version)
        case .deliver(let frame): deliver(frame)
        }
    }

    private func answerHello(_ nonce: SessionNonce, version: UInt16) {
        var facts = machine.facts
        facts.hasIdentity = identity.isTaken
        port.send(HelloAcknowledgement(nonce: nonce, version: version, facts: facts).frame)
    }

    private func deliver(_ frame: Frame) {
        let channel = frame.channel
        do throws(Failure) {
            switch frame.type {
            case .request: try receiveRequest(frame)
            case .data: try receiveData(frame)
            case .credit: try receiveCredit(frame)
            case .cancel: close(channel)
            default: throw Failure(.badRequest, "unexpected frame of type \(frame.type.rawValue)")
            }
        } catch {
            close(channel)
            send(.failure, channel: channel, error.encoded())
        }
    }

    private func close(_ channel: UInt32) {
        assembler.drop(channel: channel)
        commands.unsubscribe(channel)
        streams.close(channel)
        readings[channel] = nil
        writings[channel] = nil
        machine.settledWaiters.removeAll { $0 == channel }
    }

    private func receiveRequest(_ frame: Frame) throws(Failure) {
        var request: Request?
        do throws(ProtocolError) {
            guard frame.channel != 0 else { throw .invalidValue(field: "channel", value: 0) }
            guard let message = try assembler.add(frame) else { return }
            request = try Request(decoding: message)
        } catch {
            throw Failure(.badRequest, "malformed request: \(error)")
        }
        if let request { try perform(request, channel: frame.channel) }
    }

    private func receiveData(_ frame: Frame) throws(Failure) {
        guard let writing = writings[frame.channel] else { return try streams.receive(frame) }
        if let credit = try writing.add(frame.payload) {
            var writer = ByteWriter()
            writer.write(credit)
            send(.credit, channel: frame.channel, writer.bytes)
        }
        guard frame.flags.contains(.end) else { return }
        try writing.finish()
        writings[frame.channel] = nil
        send(.reply, channel: frame.channel, [])
    }

    private func receiveCredit(_ frame: Frame) throws(Failure) {
        do throws(ProtocolError) {
            var reader = ByteReader(frame.payload)
            let credit = try reader.read("credit", as: UInt32.self)
            try reader.finish()
            if let reading = readings[frame.channel] {
                try reading.window.grant(credit)
            } else if streams.holds(frame.channel) {
                try streams.grant(credit, on: frame.channel)
            } else {
                try commands.grant(credit, on: frame.channel)
            }
        } catch {
            throw Failure(.badRequest, "malformed credit: \(error)")
        }
    }

    private func perform(_ request: Request, channel: UInt32) throws(Failure) {
        switch request {
        case .ping: reply(channel)
        case .applyIdentity(let request):
            try identity.apply(request)
            reply(channel)
            port.flush()
            identity.settle(request)
        case .waitUntilSettled:
            if machine.isSettled { reply(channel) } else { machine.settledWaiters.append(channel) }
        case .spawn(let request): try commands.start(request, identity: identity.environment, channel: channel)
        case .spawnTool(let request):
            guard let toolbox = machine.toolbox else {
                throw Failure(.unsupported, "this image was made without the agent's own tools")
            }
            try commands.start(request, toolbox: toolbox, identity: identity.environment, channel: channel)
        case .attach(let id, let cursor, let fromLatest):
            try commands.attach(id, cursor: cursor, fromLatest: fromLatest, channel: channel)
        case .input(let id, let bytes, let end): try commands.input(id, bytes, end: end, channel: channel)
        case .resizeTerminal(let id, let size):
            try commands.resize(id, to: size)
            reply(channel)
        case .signal(let id, let number):
            try commands.signal(number, to: id)
            reply(channel)
        case .logs(let offset, let maximumEntries, let stream):
            let limit = min(Int(maximumEntries), ProtocolLimits.logPageEntries)
            let page = commands.journal.page(offset: offset, maximumEntries: limit, stream: stream)
            reply(channel, page.encoded())
        case .readFile(let path, let limit):
            readings[channel] = try FileReading(path: path, limit: limit, channel: channel)
        case .writeFile(let path, let mode, let createDirectories, let size):
            writings[channel] = try FileWriting(
                path: path,
                mode: mode,
                createDirectories: createDirectories,
                size: size
            )
        case .growRootFilesystem: try growRootFilesystem(channel)
        case .powerOff:
            try machine.checkIsGuest()
            reply(channel)
            port.flush()
            workload.end { [machine, loop] in machine.powerOff(loop: loop) }
        case .startWorkload:
            try machine.checkIsGuest()
            workload.start(identity: identity.environment)
            reply(channel)
        case .dial(let host, let port): try streams.open(host: host, port: port, channel: channel)
        }
    }

    func reply(_ channel: UInt32, _ body: [UInt8] = []) {
        send(.reply, channel: channel, body)
    }
}
