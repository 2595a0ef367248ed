internal import CHost
internal import Foundation
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Drives a ``QMPSession`` over a channel.
final class QMPConnection: Sendable {
    private struct State {
        var session = QMPSession()
        var pending: [UInt64: CheckedContinuation<[UInt8], any Error>] = [:]
        var ready: CheckedContinuation<QEMUVersion, any Error>?
        var readyResult: Result<QEMUVersion, QMPError>?
        var channel: (any Channel)?
        /// A second descriptor of the same socket, for what NIO cannot send.
        var socket: Int32?
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let onEvent: @Sendable (QMPEvent) -> Void
    private let onClose: @Sendable () -> Void

    init(logger: Logger, onEvent: @escaping @Sendable (QMPEvent) -> Void, onClose: @escaping @Sendable () -> Void) {
        self.logger = logger
        self.onEvent = onEvent
        self.onClose = onClose
    }

    func start(socket: Int32) async throws {
        let duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else {
            Glibc.close(socket)
            throw QMPError.disconnected(command: "connect")
        }
        state.withLock { $0.socket = duplicate }
        let bootstrap = ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decoder = ByteToMessageHandler(LineDecoder(limitInBytes: QMPClient.lineLimitInBytes))
                    try channel.pipeline.syncOperations.addHandlers([decoder, QMPHandler(connection: self)])
                    self.state.withLock { $0.channel = channel }
                }
            }
        _ = try await bootstrap.withConnectedSocket(socket).get()
    }

    func waitUntilReady(deadline: ContinuousClock.Instant) async throws -> QEMUVersion {
        let start = ContinuousClock.now
        return try await withDeadline(deadline, command: "qmp_capabilities", since: start) {
            try await self.readiness()
        }
    }

    func execute(
        name: String,
        timeout: Duration,
        descriptor: Int32?,
        encode: (UInt64) throws(QMPError) -> Data
    ) async throws -> [UInt8] {
        guard let id = state.withLock({ $0.session.submit(command: name) }) else {
            throw QMPError.disconnected(command: name)
        }
        var line: [UInt8]
        do {
            line = Array(try encode(id))
        } catch {
            state.withLock { $0.session.abandon(id: id) }
            throw error
        }
        line.append(UInt8(ascii: "\n"))
        let start = ContinuousClock.now
        let bytes = line
        return try await withDeadline(start.advanced(by: timeout), command: name, since: start) {
            try await self.send(bytes, id: id, name: name, descriptor: descriptor)
        }
    }

    func close() async {
        perform(state.withLock { $0.session.close(.disconnected(command: "monitor")) })
        let (channel, socket) = state.withLock { state in
            defer { state.socket = nil }
            return (state.channel, state.socket)
        }
        if let socket { Glibc.close(socket) }
        // Only a channel that is closed already fails to close.
        try? await channel?.close().get()
    }

    // MARK: From the channel

    func receive(line: [UInt8]) {
        do throws(QMPError) {
            let message = try QMPMessage(line: line)
            perform(state.withLock { $0.session.receive(message) })
        } catch {
            fail(error)
        }
    }

    func fail(_ error: QMPError) { perform(state.withLock { $0.session.close(error) }) }

    func channelClosed() {
        fail(.disconnected(command: "monitor"))
        onClose()
    }

    // MARK: Private

    private func readiness() async throws -> QEMUVersion {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<QEMUVersion, QMPError>? in
                    if state.readyResult == nil, !Task.isCancelled {
                        state.ready = continuation
                        return nil
                    }
                    return state.readyResult ?? .failure(.disconnected(command: "connect"))
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.ready = nil }
                return state.ready
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func send(_ bytes: [UInt8], id: UInt64, name: String, descriptor: Int32?) async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let channel = state.withLock { state -> (any Channel)? in
                    guard state.session.isReady, !Task.isCancelled else { return nil }
                    state.pending[id] = continuation
                    return state.channel
                }
                guard let channel else {
                    continuation.resume(throwing: QMPError.disconnected(command: name))
                    return
                }
                if let descriptor {
                    channel.eventLoop.execute { self.sendDirectly(bytes, passing: descriptor) }
                } else {
                    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
                }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.session.abandon(id: id)
                return state.pending.removeValue(forKey: id)
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// On the event loop, behind everything written before: a monitor that reads leaves no backlog of these short lines.
    private func sendDirectly(_ bytes: [UInt8], passing descriptor: Int32) {
        let sent = state.withLock { state in
            guard let socket = state.socket, state.channel?.isWritable == true else { return false }
            return chost_send_with_descriptor(socket, bytes, bytes.count, descriptor, 100) == 0
        }
        if !sent { fail(.disconnected(command: "getfd")) }
    }

    private func perform(_ actions: [QMPSession.Action]) {
        for action in actions {
            switch action {
            case .negotiate(let id):
                let line = "{\"execute\":\"qmp_capabilities\",\"id\":\(id)}\n"
                state.withLock { $0.channel }?.writeAndFlush(ByteBuffer(string: line), promise: nil)
            case .becomeReady(let version): finishReadiness(.success(version))
            case .complete(let id, let line):
                state.withLock { $0.pending.removeValue(forKey: id) }?.resume(returning: line)
            case .fail(let id, let error):
                state.withLock { $0.pending.removeValue(forKey: id) }?.resume(throwing: error)
            case .deliver(let event):
                logger.trace("monitor event", metadata: ["qmp.event": "\(event.name)"])
                onEvent(event)
            case .close(let error):
                logger.debug("monitor connection ends", metadata: ["qmp.reason": "\(error)"])
                finishReadiness(.failure(error))
                state.withLock { $0.channel }?.close(promise: nil)
            }
        }
    }

    private func finishReadiness(_ result: Result<QEMUVersion, QMPError>) {
        let waiter = state.withLock { state in
            if state.readyResult == nil { state.readyResult = result }
            defer { state.ready = nil }
            return state.ready
        }
        waiter?.resume(with: result)
    }

    private func withDeadline<Value: Sendable>(
        _ deadline: ContinuousClock.Instant,
        command: String,
        since start: ContinuousClock.Instant,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw QMPError.timedOut(command: command, after: deadline - start)
            }
            return value
        }
    }
}

/// Hands lines and the end of the channel to the connection.
private final class QMPHandler: ChannelInboundHandler {
    typealias InboundIn = [UInt8]

    private let connection: QMPConnection

    init(connection: QMPConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { connection.receive(line: unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) {
        connection.channelClosed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.fail(error as? QMPError ?? .malformed(String(describing: error)))
    }
}
