import Foundation
internal import SystemPackage
import TerminalUI
import VersAPI
import VersClient

/// A script of the shell that a VM's agent brings, with its stdin and stdout as streams here.
///
/// It goes over the agent's channel, as `vers execute` does: nothing of it is encrypted in the guest, and nothing of it is
/// kept there. When this end goes away, so does the script.
struct ToolboxScript {
    /// The way to the VM ended before the script did.
    struct ConnectionLost: Error {
        var cause: VersError

        /// Throws itself in place of an error that says so.
        static func translate<Value>(_ body: () async throws -> Value) async throws -> Value {
            do {
                return try await body()
            } catch let error as VersError where [.unavailable, .unreachable].contains(error.code) {
                throw ConnectionLost(cause: error)
            }
        }
    }

    let session: Session
    let machine: MachineID

    /// Runs a script to its end.
    /// - Parameters:
    ///   - feed: writes to the script's stdin, which ends when this returns. Cancelled when the script ends first.
    ///   - drain: reads the script's stdout; what it leaves is thrown away.
    /// - Throws: ``ConnectionLost``; `.internal` when the script failed, which has said why on stderr; what `feed` and
    ///   `drain` throw.
    func run(
        _ script: String,
        _ arguments: [String],
        feed: @escaping @Sendable (ScriptInput) async throws -> Void = { _ in },
        drain: @escaping @Sendable (ScriptOutput) async throws -> Void = { _ in }
    ) async throws {
        let id = ExecID()
        let request = ExecRequest(
            command: ["sh", "-c", script, "sh"] + arguments,
            exec_id: id,
            keep_stdin_open: true,
            toolbox: true
        )
        let events = try await ConnectionLost.translate { try await session.client.stream(request, in: machine) }
        let status = try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask {
                try await follow(ScriptOutput(events, errors: session.context.errorOutput), drain)
            }
            group.addTask {
                let input = ScriptInput(client: session.client, machine: machine, exec: id)
                do {
                    try await feed(input)
                    try await input.end()
                } catch is ScriptInput.Closed {
                    // Whoever read has ended, and its status says why.
                }
                return nil
            }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let status = outcome { return status }
            }
            throw CancellationError()
        }
        guard status == 0 else {
            throw VersError(.internal, "the copy failed in VM '\(session.name(of: machine))'")
        }
    }

    private func follow(
        _ output: ScriptOutput,
        _ drain: @Sendable (ScriptOutput) async throws -> Void
    ) async throws -> Int32 {
        do {
            try await drain(output)
        } catch {
            // What the script says of its end is nearer to the cause than what its output made of it.
            if let status = output.status, status != 0 { return status }
            throw error
        }
        return try await output.finish()
    }
}

/// Stdin of a script, sent in large pieces: each is a request of its own.
final class ScriptInput {
    /// The script reads no more.
    struct Closed: Error {}

    private static let pieceBytes = 1024 * 1024

    private let client: VersClient
    private let machine: MachineID
    private let exec: ExecID
    private var waiting: [UInt8] = []

    init(client: VersClient, machine: MachineID, exec: ExecID) {
        self.client = client
        self.machine = machine
        self.exec = exec
        waiting.reserveCapacity(Self.pieceBytes)
    }

    /// Returns when there is room for more.
    func write(_ bytes: some Collection<UInt8>) async throws {
        waiting += bytes
        if waiting.count >= Self.pieceBytes { try await send(endOfInput: false) }
    }

    func end() async throws { try await send(endOfInput: true) }

    private func send(endOfInput: Bool) async throws {
        do {
            try await ToolboxScript.ConnectionLost.translate {
                try await client.sendInput(waiting, to: exec, in: machine, endOfInput: endOfInput)
            }
        } catch let error as VersError where [.notFound, .conflict].contains(error.code) {
            throw Closed()
        }
        waiting.removeAll(keepingCapacity: true)
    }
}

/// Stdout of a script, in lines and pieces. Its stderr is passed on meanwhile.
final class ScriptOutput {
    private var events: ExecStream.Iterator
    private let errors: OutputSink
    /// Came with a line, and stands behind it.
    private var held: [UInt8] = []
    /// How the script ended; nil as long as more may come.
    private(set) var status: Int32?

    init(_ events: ExecStream, errors: OutputSink) {
        self.events = events.makeAsyncIterator()
        self.errors = errors
    }

    /// The next bytes; nil at the end.
    func next() async throws -> [UInt8]? {
        if !held.isEmpty {
            defer { held = [] }
            return held
        }
        while status == nil {
            switch try await event() {
            case .chunk(.stdout, let data, _, _, _): return data
            case .chunk(.stderr, let data, _, _, _): passOn(data)
            case .exit(let code, _, _): status = code
            case .error(let code, let message):
                // The stream is over, and whether the script is, nobody says.
                let error = VersError(code, message)
                throw error.code == .notFound ? error : ToolboxScript.ConnectionLost(cause: error)
            case nil: throw CancellationError()
            }
        }
        return nil
    }

    /// A VM says nothing to the terminal itself.
    private func passOn(_ message: [UInt8]) {
        let lines = String(decoding: message, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        errors.write(lines.map { String($0).withoutControlCharacters }.joined(separator: "\n"))
    }

    private func event() async throws -> ExecEvent? {
        try await ToolboxScript.ConnectionLost.translate { try await events.next() }
    }

    /// The next line, without its end; nil when there is none of at most `limit` bytes.
    func line(limit: Int = 4096) async throws -> String? {
        var line: [UInt8] = []
        while line.count <= limit, let piece = try await next() {
            guard let end = piece.firstIndex(of: UInt8(ascii: "\n")) else {
                line += piece
                continue
            }
            line += piece[..<end]
            held = Array(piece[(end + 1)...])
            return line.count > limit ? nil : String(decoding: line, as: UTF8.self)
        }
        return nil
    }

    /// Waits for the script's end.
    /// - Returns: its status.
    func finish() async throws -> Int32 {
        while try await next() != nil {}
        return status ?? 255
    }
}
