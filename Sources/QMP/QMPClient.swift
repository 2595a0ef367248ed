internal import Foundation
public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A connection to the monitor of one QEMU.
///
/// Commands may be sent from any task, concurrently; answers are matched by id. Each has its own deadline. When the
/// connection is lost every pending and later command throws ``QMPError/disconnected(command:)``.
public final class QMPClient: Sendable {
    /// Longer lines end the connection. `query-qmp-schema`, the largest answer of QEMU 7.2, has 170 KB.
    public static let lineLimitInBytes = 4 << 20

    /// As the greeting says.
    public let version: QEMUVersion
    private let connection: QMPConnection

    private init(version: QEMUVersion, connection: QMPConnection) {
        self.version = version
        self.connection = connection
    }

    /// Negotiates over a connected, non-blocking stream socket, which the client owns from now on, also when it throws.
    /// - Parameters:
    ///   - onEvent: called in order, before the answer of any later command is delivered, on the connection's event
    ///     loop; must not block.
    ///   - onClose: called once when the connection is gone, on the event loop.
    public static func connect(
        socket: Int32,
        deadline: ContinuousClock.Instant,
        logger: Logger,
        onEvent: @escaping @Sendable (QMPEvent) -> Void,
        onClose: @escaping @Sendable () -> Void
    ) async throws -> QMPClient {
        let connection = QMPConnection(logger: logger, onEvent: onEvent, onClose: onClose)
        do {
            try await connection.start(socket: socket)
            let version = try await connection.waitUntilReady(deadline: deadline)
            return QMPClient(version: version, connection: connection)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Sends a command and waits for its answer.
    /// - Parameter descriptor: passed along with the command (`getfd`); stays the caller's.
    /// - Throws: ``QMPError``; `CancellationError` when the task is cancelled. In both cases the command may still
    ///   take effect.
    @discardableResult
    public func execute<Command: QMPCommand>(
        _ command: Command,
        timeout: Duration = .seconds(10),
        passing descriptor: Int32? = nil
    ) async throws -> Command.Response {
        try Task.checkCancellation()
        return try await submit(command, timeout: timeout, passing: descriptor).get()
    }

    /// Sends a command. QEMU reads a byte at a time, 4 to 5 µs each: with commands that are sent one behind the other it
    /// reads the next while it executes the first. They are executed in their order, each whatever became of those before.
    /// - Parameters:
    ///   - timeout: counts from now.
    ///   - descriptor: as for ``execute(_:timeout:passing:)``; may be closed when the call returns.
    /// - Throws: ``QMPError`` when nothing could be sent.
    public func submit<Command: QMPCommand>(
        _ command: Command,
        timeout: Duration = .seconds(10),
        passing descriptor: Int32? = nil
    ) throws(QMPError) -> QMPAnswer<Command> {
        let pending = try connection.submit(
            name: Command.name,
            timeout: timeout,
            descriptor: descriptor
        ) { id throws(QMPError) in
            do {
                return try JSONEncoder().encode(Request(execute: Command.name, arguments: command, id: id))
            } catch {
                throw .unexpectedAnswer(command: Command.name, detail: "arguments cannot be encoded: \(error)")
            }
        }
        return QMPAnswer(pending: pending)
    }

    /// Closes the connection; QEMU runs on. Idempotent.
    public func close() async { await connection.close() }
}

/// What a command that was sent will be answered with. An answer that nobody waits for is ignored.
public struct QMPAnswer<Command: QMPCommand>: Sendable {
    fileprivate let pending: QMPPendingAnswer

    /// - Throws: as ``QMPClient/execute(_:timeout:passing:)``.
    @discardableResult
    public func get() async throws -> Command.Response {
        let line = try await pending.get()
        do {
            return try JSONDecoder().decode(Answer<Command.Response>.self, from: Data(line)).value
        } catch {
            throw QMPError.unexpectedAnswer(command: Command.name, detail: String(describing: error))
        }
    }
}

private struct Request<Arguments: Encodable>: Encodable {
    var execute: String
    var arguments: Arguments
    var id: UInt64
}

private struct Answer<Value: Decodable>: Decodable {
    var value: Value

    enum CodingKeys: String, CodingKey {
        case value = "return"
    }
}
