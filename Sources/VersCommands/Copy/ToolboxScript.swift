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
    /// - Throws: ``ConnectionLost``; the reason of a script that failed, with its code; what `feed` and `drain` throw.
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
        let outcome = try await withThrowingTaskGroup(of: ScriptOutcome?.self) { group in
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
                if let outcome { return outcome }
            }
            throw CancellationError()
        }
        guard outcome.status != 0 else { return }
        let reason = outcome.reason.map { ": \($0)" } ?? ""
        throw VersError(
            RemoteScript.code(ofStatus: outcome.status) ?? .internal,
            "the copy failed in VM '\(session.name(of: machine))'\(reason)"
        )
    }

    private func follow(
        _ output: ScriptOutput,
        _ drain: @Sendable (ScriptOutput) async throws -> Void
    ) async throws -> ScriptOutcome {
        do {
            try await drain(output)
        } catch {
            // What the script says of its end is nearer to the cause than what its output made of it.
            if let outcome = output.outcome, outcome.status != 0 { return outcome }
            throw error
        }
        return try await output.finish()
    }
}

/// How a script ended.
struct ScriptOutcome: Equatable {
    var status: Int32
    /// Why it failed, when it said so.
    var reason: String?
}

/// What a script writes on stderr: its reason is kept, and what its programs say is passed on.
struct ScriptComplaints {
    /// Longer lines are cut: a VM is not trusted.
    private static let limit = 4096

    private let errors: OutputSink
    private var line: [UInt8] = []
    private(set) var reason: String?

    init(errors: OutputSink) { self.errors = errors }

    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                end()
            } else if line.count < Self.limit {
                line.append(byte)
            }
        }
    }

    /// Takes what stands there as a whole line.
    mutating func end() {
        guard !line.isEmpty else { return }
        // A VM says nothing to the terminal itself.
        let text = String(decoding: line, as: UTF8.self).withoutControlCharacters
        line = []
        if text.hasPrefix(RemoteScript.reasonMark) {
            reason = String(text.dropFirst(RemoteScript.reasonMark.count))
        } else {
            errors.write(text + "\n")
        }
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
    private var complaints: ScriptComplaints
    /// Came with a line, and stands behind it.
    private var held: [UInt8] = []
    private var status: Int32?

    init(_ events: ExecStream, errors: OutputSink) {
        self.events = events.makeAsyncIterator()
        complaints = ScriptComplaints(errors: errors)
    }

    /// How the script ended; nil as long as more may come.
    var outcome: ScriptOutcome? { status.map { ScriptOutcome(status: $0, reason: complaints.reason) } }

    /// The next bytes; nil at the end.
    func next() async throws -> [UInt8]? {
        if !held.isEmpty {
            defer { held = [] }
            return held
        }
        while status == nil {
            switch try await event() {
            case .chunk(.stdout, let data, _, _, _): return data
            case .chunk(.stderr, let data, _, _, _): complaints.add(data)
            case .exit(let code, _, _):
                complaints.end()
                status = code
            case .error(let code, let message):
                // The stream is over, and whether the script is, nobody says.
                let error = VersError(code, message)
                throw error.code == .notFound ? error : ToolboxScript.ConnectionLost(cause: error)
            case nil: throw CancellationError()
            }
        }
        return nil
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
    func finish() async throws -> ScriptOutcome {
        while try await next() != nil {}
        return outcome ?? ScriptOutcome(status: 255, reason: nil)
    }
}
