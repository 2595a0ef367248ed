import Synchronization
public import VersAPI
public import VersCore

public import struct Foundation.Date

/// A guest that records what is asked of it.
public final class GuestDouble: GuestSession {
    public struct State: Sendable {
        public var requests: [ExecRequest] = []
        public var attachments: [AttachRequest] = []
        public var execs: [ExecDouble] = []
        public var input: [UInt8] = []
        public var inputEnded = false
        public var sizes: [TerminalSize] = []
        public var signals: [Int32] = []
        public var files: [String: [UInt8]] = [:]
        public var modes: [UInt32] = []
        public var error: VersError?
        var refusals: [VersError] = []
    }

    private let state = Mutex(State())

    public init() {}

    public let isOpen = true
    public let hasIdentity = true
    public let begin = Date()

    public var snapshot: State { state.withLock { $0 } }

    /// The commands that the next calls of `execute` and `attach` return, in this order.
    public func prepare(_ execs: ExecDouble...) { state.withLock { $0.execs += execs } }

    public func fail(with error: VersError?) { state.withLock { $0.error = error } }

    /// The next command is not started.
    public func refuseNextCommand(with error: VersError) { state.withLock { $0.refusals.append(error) } }

    public func countSilence(onlyWhile isRunning: @escaping @Sendable () async -> Bool) {}

    public func execute(_ request: ExecRequest) async throws -> any GuestExec {
        try state.withLock { state in
            if !state.refusals.isEmpty { throw state.refusals.removeFirst() }
        }
        return try take { $0.requests.append(request) }
    }

    public func attach(_ request: AttachRequest) async throws -> any GuestExec {
        try take { $0.attachments.append(request) }
    }

    private func take(_ note: (inout State) -> Void) throws -> ExecDouble {
        try state.withLock { state in
            if let error = state.error { throw error }
            note(&state)
            guard !state.execs.isEmpty else { throw VersError(.notFound, "no command is prepared") }
            return state.execs.removeFirst()
        }
    }

    public func sendInput(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) async throws {
        state.withLock {
            $0.input += bytes
            $0.inputEnded = endOfInput
        }
    }

    public func resizeTerminal(of exec: ExecID, to size: TerminalSize) async throws {
        state.withLock { $0.sizes.append(size) }
    }

    public func signal(_ number: Int32, to exec: ExecID) async throws {
        state.withLock { $0.signals.append(number) }
    }

    public func logs(offset: UInt64, maximumEntries: Int, stream: OutputStream?) async throws -> LogPage {
        let entry = LogEntry(
            timestamp: "2026-05-01T10:00:00Z",
            stream: stream ?? .stderr,
            data_b64: "",
            exec_id: nil
        )
        return LogPage(entries: [entry], eof: true, next_offset: offset + UInt64(maximumEntries))
    }

    public func readFile(_ path: String, limitInBytes: Int) async throws -> [UInt8] {
        try state.withLock { state in
            guard let bytes = state.files[path] else { throw VersError(.notFound, "no file '\(path)'") }
            return bytes
        }
    }

    public func writeFile(_ path: String, bytes: [UInt8], mode: UInt32, createDirectories: Bool) async throws {
        state.withLock {
            $0.files[path] = bytes
            $0.modes.append(mode)
        }
    }

    public func applyIdentity(_ identity: GuestIdentity) async throws {}
    public func startWorkload() async throws {}
    public func waitUntilSettled(deadline: ContinuousClock.Instant) async throws {}
    public func dial(_ endpoint: GuestEndpoint) async throws -> any GuestStream {
        throw VersError(.unavailable, "nothing listens on \(endpoint)")
    }

    public func growRootFilesystem() async throws -> Int { 0 }
    public func powerOff() async throws {}
    public func waitUntilClosed() async {}
    public func close() async {}
}
