internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import QMP
internal import Synchronization
internal import SystemPackage

/// A connection to the memory library in a QEMU, or, after a freeze, to the frozen copy (`Sources/RAMLayers/control.h`
/// has the protocol). Requests are answered in order. Closing the connection ends a copy that is not kept.
final class MemoryConnection: Sendable {
    /// No answer is longer than 256 bytes.
    private static let answerLimitInBytes = 1024

    private let channel: any Channel
    private let answers: Answers

    private init(channel: any Channel, answers: Answers) {
        self.channel = channel
        self.answers = answers
    }

    deinit { channel.close(promise: nil) }

    static func connect(to socket: FilePath) async throws -> MemoryConnection {
        let descriptor = try UnixSocket.connect(to: socket)
        let answers = Answers()
        let channel = try await ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decoder = ByteToMessageHandler(LineDecoder(limitInBytes: answerLimitInBytes))
                    try channel.pipeline.syncOperations.addHandlers([decoder, AnswerHandler(answers: answers)])
                }
            }
            .withConnectedSocket(descriptor)
            .get()
        return MemoryConnection(channel: channel, answers: answers)
    }

    /// Sends a request and returns the words of its answer, of which the first is `verb`.
    /// - Throws: ``MemoryLibraryError``.
    func request(_ line: String, expecting verb: String, timeout: Duration = .seconds(20)) async throws -> [String] {
        try await send(line, expecting: verb, timeout: timeout).get()
    }

    /// Sends a request without waiting for the answers to those before it.
    func send(_ line: String, expecting verb: String, timeout: Duration = .seconds(20)) -> EventLoopFuture<[String]> {
        let answer = expect(verb, of: String(line.prefix { $0 != " " }), timeout: timeout)
        channel.writeAndFlush(ByteBuffer(string: line + "\n"), promise: nil)
        return answer
    }

    /// What the library will say next, of its own accord. Its words are those of ``request(_:expecting:timeout:)``.
    func expect(_ verb: String, of name: String, timeout: Duration = .seconds(20)) -> EventLoopFuture<[String]> {
        let promise = channel.eventLoop.makePromise(of: String.self)
        answers.add(promise)
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            // An answer that comes later would be taken for that of the next request.
            promise.fail(MemoryLibraryError.timedOut(request: name, after: timeout))
            self.channel.close(promise: nil)
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
            .flatMapErrorThrowing { error in
                throw error is AnswersEnded ? MemoryLibraryError.disconnected(request: name) : error
            }
            .flatMapThrowing { try Self.parse($0, request: name, verb: verb) }
    }

    /// Idempotent.
    func close() async {
        // Only a channel that is closed already fails to close.
        try? await channel.close().get()
    }

    static func parse(_ answer: String, request: String, verb: String) throws(MemoryLibraryError) -> [String] {
        let words = answer.split(separator: " ").map(String.init)
        if words.count >= 3, words[0] == "error", let number = Int32(words[1]) {
            throw .refused(request: request, Errno(rawValue: number), detail: words[2...].joined(separator: " "))
        }
        guard words.first == verb else { throw .unexpectedAnswer(request: request, String(answer.prefix(200))) }
        return words
    }
}

private struct AnswersEnded: Error {}

/// Requests without an answer yet, in their order.
private final class Answers: Sendable {
    private struct State {
        var waiting: [EventLoopPromise<String>] = []
        var ended = false
    }

    private let state = Mutex(State())

    /// Fails the promise at once when the connection is gone.
    func add(_ promise: EventLoopPromise<String>) {
        let added = state.withLock { state in
            if !state.ended { state.waiting.append(promise) }
            return !state.ended
        }
        if !added { promise.fail(AnswersEnded()) }
    }

    func deliver(_ line: String) {
        let promise = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        promise?.succeed(line)
    }

    func end() {
        let waiting = state.withLock { state in
            state.ended = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for promise in waiting { promise.fail(AnswersEnded()) }
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = [UInt8]

    private let answers: Answers

    init(answers: Answers) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answers.deliver(String(decoding: unwrapInboundIn(data), as: UTF8.self))
    }

    func channelInactive(context: ChannelHandlerContext) {
        answers.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
