import CGuest
import Glibc
import GuestProtocol

/// The TCP connections that the host has opened into the guest. Each holds at most a window of bytes that the guest has
/// not taken, and is read only as far as the host has room.
final class StreamTable {
    /// How long a connection that the host has left may take to deliver what the host had sent.
    private static let lingering: UInt64 = 60_000
    /// Of all connections together.
    private static let heldInBytes = 1024 * 1024
    private static let events = EventLoop.readable | EventLoop.writable | EventLoop.edgeTriggered

    private let loop: EventLoop
    private let send: (FrameType, FrameFlags, UInt32, [UInt8]) -> Void
    /// A connected socket to what the agent itself serves on a port of the guest where nothing listens; nil for no such
    /// service.
    var ownService: (UInt16) throws(Failure) -> Int32? = { _ throws(Failure) in nil }
    private var dials: [UInt32: Dial] = [:]
    private var sockets: [UInt32: GuestSocket] = [:]
    /// Those that may have something to read, in the order of their turns.
    private var queue = Deque<GuestSocket>()
    /// Those that have got something from the host in this turn.
    private var due: [GuestSocket] = []
    /// What the windows may still grow by.
    private var growth: Int
    /// A sixteenth of memory for windows that were let grow, a quarter for those that were not.
    private let limit: Int

    init(loop: EventLoop, send: @escaping (FrameType, FrameFlags, UInt32, [UInt8]) -> Void) {
        self.loop = loop
        self.send = send
        let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
        growth = min(ProtocolLimits.streamGrowthInBytes, memory / 16)
        limit = min(ProtocolLimits.streams, max(16, memory / 4 / ProtocolLimits.streamWindowInBytes))
    }

    func holds(_ channel: UInt32) -> Bool { sockets[channel] != nil }

    func open(host: String, port: UInt16, channel: UInt32) throws(Failure) {
        guard port != 0 else { throw Failure(.invalidArgument, "invalid port 0: expected 1 to 65535") }
        guard dials.count + sockets.count < limit else {
            throw Failure(.resourceExhausted, "\(limit) connections into the guest are open already")
        }
        let dial = Dial(host: host, port: port, loop: loop)
        dials[channel] = dial
        try dial.start { [unowned self] result in
            dials[channel] = nil
            switch result {
            case .success(let descriptor): begin(channel, descriptor)
            case .failure(let failure) where host.isEmpty && failure.code == .unavailable:
                beginOwnService(on: port, channel, insteadOf: failure)
            case .failure(let failure): send(.failure, [], channel, failure.encoded())
            }
        }
    }

    private func beginOwnService(on port: UInt16, _ channel: UInt32, insteadOf failure: Failure) {
        do throws(Failure) {
            guard let descriptor = try ownService(port) else { throw failure }
            begin(channel, descriptor)
        } catch {
            send(.failure, [], channel, error.encoded())
        }
    }

    private func begin(_ channel: UInt32, _ descriptor: Int32) {
        // All that a window lets come, so that the kernel passes it on by itself while whoever takes it runs.
        cguest_set_send_buffer(descriptor, ProtocolLimits.largestStreamWindowInBytes)
        let socket = GuestSocket(channel: channel, descriptor: descriptor)
        do throws(SystemError) {
            try loop.add(descriptor, Self.events) { [unowned self, unowned socket] events in
                if events != EventLoop.writable {
                    socket.isReadable = true
                    enqueue(socket)
                }
                socket.isWritable = true
                flush(socket)
            }
        } catch {
            Glibc.close(descriptor)
            return send(.failure, [], channel, Failure(.resourceExhausted, error.description).encoded())
        }
        sockets[channel] = socket
        send(.reply, [], channel, [])
        enqueue(socket)
    }

    /// Takes data of the host. A channel that is gone has nobody to tell.
    func receive(_ frame: Frame) throws(Failure) {
        guard let socket = sockets[frame.channel] else { return }
        do throws(ProtocolError) {
            try socket.receiveWindow.receive(frame.payload.count)
        } catch {
            throw Failure(.badRequest, "more data than the stream has room for")
        }
        guard !socket.hasHostEnded else { throw Failure(.badRequest, "data behind the end of the stream") }
        socket.take(frame.payload)
        socket.hasHostEnded = frame.flags.contains(.end)
        guard !socket.isDue else { return }
        socket.isDue = true
        due.append(socket)
    }

    /// Passes on what has come from the host. Bulk is held until half a window of it has come together: each piece that is
    /// passed on has the guest switch to the process that takes it and back, which costs an emulated processor as much as
    /// the copying of 100 KiB.
    /// - Returns: whether something is held, for the next call.
    func deliver(isMoreExpected: Bool) -> Bool {
        let holds = isMoreExpected && due.reduce(0) { $0 + $1.waitingBytes } < Self.heldInBytes
        var held: [GuestSocket] = []
        for socket in due where sockets[socket.channel] === socket {
            if holds, socket.isGathering {
                socket.hasGrown = false
                held.append(socket)
            } else {
                socket.isDue = false
                flush(socket)
            }
        }
        due = held
        return !held.isEmpty
    }

    func grant(_ credit: UInt32, on channel: UInt32) throws(ProtocolError) {
        guard let socket = sockets[channel] else { return }
        try socket.sendWindow.grant(credit)
        enqueue(socket)
    }

    /// The host has closed the channel.
    func close(_ channel: UInt32) {
        if let dial = dials.removeValue(forKey: channel) { return dial.cancel() }
        guard let socket = sockets[channel] else { return }
        if socket.isDue { flush(socket) }
        guard sockets[channel] === socket else { return }
        guard socket.hasHostEnded else { return drop(socket, resetting: true) }
        if socket.isShutDown { return drop(socket, resetting: false) }
        socket.isLeft = true
        _ = loop.schedule(afterMilliseconds: Self.lingering) { [unowned self, weak socket] in
            if let socket, sockets[channel] === socket { drop(socket, resetting: true) }
        }
    }

    /// Resets all connections: a part of what the host wanted to send would look like the whole.
    func endSession() {
        for dial in dials.values { dial.cancel() }
        dials.removeAll()
        for socket in Array(sockets.values) { drop(socket, resetting: true) }
        queue = Deque()
    }

    /// Reads a piece of every connection that has something while `hasRoom`.
    /// - Returns: whether there may be more.
    func pump(while hasRoom: () -> Bool) -> Bool {
        for _ in 0..<queue.count {
            guard hasRoom() else { return true }
            guard let socket = queue.popFirst() else { break }
            socket.isQueued = false
            if socket.canBeRead, sockets[socket.channel] === socket { read(socket) }
        }
        return !queue.isEmpty
    }

    private func enqueue(_ socket: GuestSocket) {
        guard !socket.isQueued, socket.canBeRead else { return }
        socket.isQueued = true
        queue.append(socket)
    }

    private func read(_ socket: GuestSocket) {
        let size = min(ProtocolLimits.payloadInBytes, socket.sendWindow.available)
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            count = recv(socket.descriptor, buffer.baseAddress, size, 0)
            initialized = max(0, count)
        }
        if count > 0 {
            socket.sendWindow.spend(count)
            send(.data, .unchecked, socket.channel, bytes)
            enqueue(socket)
        } else if count < 0, errno == EINTR {
            enqueue(socket)
        } else if count < 0, errno == EAGAIN {
            socket.isReadable = false
        } else if count < 0 || socket.writeError != 0 {
            fail(socket, count < 0 ? errno : socket.writeError)
        } else {
            socket.hasGuestEnded = true
            send(.data, .end, socket.channel, [])
            dropIfDone(socket)
        }
    }

    private func flush(_ socket: GuestSocket) {
        let count = socket.flush()
        if socket.writeError != 0 {
            // What the guest had sent before is there to be read, then the end.
            socket.isReadable = true
            enqueue(socket)
        }
        if count > 0, !socket.isLeft, !socket.hasHostEnded { grant(count, to: socket) }
        if socket.hasHostEnded, socket.waitingBytes == 0, !socket.isShutDown {
            socket.isShutDown = true
            shutdown(socket.descriptor, Int32(SHUT_WR))
        }
        dropIfDone(socket)
    }

    private func grant(_ count: Int, to socket: GuestSocket) {
        let before = socket.receiveWindow.size
        let credit = socket.receiveWindow.consume(count, growth: growth)
        growth -= socket.receiveWindow.size - before
        guard let credit else { return }
        var writer = ByteWriter()
        writer.write(credit)
        send(.credit, [], socket.channel, writer.bytes)
    }

    private func dropIfDone(_ socket: GuestSocket) {
        guard socket.isShutDown else { return }
        if socket.isLeft {
            drop(socket, resetting: false)
        } else if socket.hasGuestEnded {
            if socket.writeError != 0, !socket.hasHostEnded {
                // The host learns that its direction is closed, too.
                send(.failure, [], socket.channel, Self.broken(socket.writeError).encoded())
            }
            drop(socket, resetting: false)
        }
    }

    private func fail(_ socket: GuestSocket, _ number: Int32) {
        send(.failure, [], socket.channel, Self.broken(number).encoded())
        drop(socket, resetting: false)
    }

    private static func broken(_ number: Int32) -> Failure {
        Failure(.unavailable, "the guest broke the connection: \(SystemError("", number).reason)")
    }

    private func drop(_ socket: GuestSocket, resetting: Bool) {
        guard sockets[socket.channel] === socket else { return }
        sockets[socket.channel] = nil
        growth += socket.receiveWindow.size - ProtocolLimits.streamWindowInBytes
        loop.remove(socket.descriptor)
        if resetting { cguest_reset_on_close(socket.descriptor) }
        Glibc.close(socket.descriptor)
    }
}
