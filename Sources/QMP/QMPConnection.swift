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
        var pending: [UInt64: EventLoopPromise<[UInt8]>] = [:]
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

    /// Sends a command, behind those that were sent before. Its answer fails with ``QMPError``.
    /// - Parameter descriptor: is passed along, and may be closed when the call returns.
    func submit(
        name: String,
        timeout: Duration,
        descriptor: Int32?,
        encode: (UInt64) throws(QMPError) -> Data
    ) throws(QMPError) -> QMPPendingAnswer {
        guard let (id, channel) = register(name) else { throw .disconnected(command: name) }
        let bytes: [UInt8]
        do {
            bytes = Array(try encode(id)) + [UInt8(ascii: "\n")]
        } catch {
            state.withLock { $0.session.abandon(id: id) }
            throw error
        }
        let promise = channel.eventLoop.makePromise(of: [UInt8].self)
        let isOpen = state.withLock { state in
            guard state.session.isReady else { return false }
            state.pending[id] = promise
            return true
        }
        if isOpen {
            send(bytes, over: channel, passing: descriptor)
        } else {
            promise.fail(QMPError.disconnected(command: name))
        }
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            self.abandon(id, QMPError.timedOut(command: name, after: timeout))
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return QMPPendingAnswer(line: promise.futureResult) { self.abandon(id, CancellationError()) }
    }

    private func register(_ name: String) -> (UInt64, any Channel)? {
        state.withLock { state in
            guard let channel = state.channel, let id = state.session.submit(command: name) else { return nil }
            return (id, channel)
        }
    }

    private func send(_ bytes: [UInt8], over channel: any Channel, passing descriptor: Int32?) {
        if let descriptor {
            // The caller closes his when he gives up, and another file may have its number by then.
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            channel.eventLoop.execute {
                self.sendDirectly(bytes, passing: copy)
                if copy >= 0 { Glibc.close(copy) }
            }
        } else {
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        }
    }

    /// Nobody waits for the answer any more.
    private func abandon(_ id: UInt64, _ error: any Error) {
        let promise = state.withLock { state in
            state.session.abandon(id: id)
            return state.pending.removeValue(forKey: id)
        }
        promise?.fail(error)
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
            case .negotiate(let id, let queuesCommands):
                let arguments = queuesCommands ? ",\"arguments\":{\"enable\":[\"oob\"]}" : ""
                let line = "{\"execute\":\"qmp_capabilities\"\(arguments),\"id\":\(id)}\n"
                state.withLock { $0.channel }?.writeAndFlush(ByteBuffer(string: line), promise: nil)
            case .becomeReady(let version): finishReadiness(.success(version))
            case .complete(let id, let line):
                state.withLock { $0.pending.removeValue(forKey: id) }?.succeed(line)
            case .fail(let id, let error):
                state.withLock { $0.pending.removeValue(forKey: id) }?.fail(error)
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

/// The line that will answer a command.
struct QMPPendingAnswer: Sendable {
    let line: EventLoopFuture<[UInt8]>
    let abandon: @Sendable () -> Void

    /// - Throws: ``QMPError``; `CancellationError` when the task is cancelled.
    func get() async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await line.get()
        } onCancel: {
            abandon()
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
