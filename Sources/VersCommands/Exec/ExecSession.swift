import Foundation
import Synchronization
import TerminalUI
import VersAPI
import VersClient

/// One command in a guest, joined to this process: its output, input, signals and terminal size.
///
/// The command does not depend on the connection. When that is lost, or the daemon restarts, the session attaches
/// again and goes on after the last piece of output it has seen.
final class ExecSession: Sendable {
    private let session: Session
    private let machine: MachineID
    private let request: ExecRequest
    private let execID: ExecID
    private let forwardedSignals: [Int32]

    /// - Parameter forwardedSignals: passed on to the command instead of ending this process.
    init(session: Session, machine: MachineID, request: ExecRequest, forwardedSignals: [Int32]) {
        let id = request.exec_id ?? ExecID()
        var request = request
        request.exec_id = id
        self.session = session
        self.machine = machine
        self.request = request
        self.execID = id
        self.forwardedSignals = forwardedSignals
    }

    /// Runs the command to its end. When nobody takes its output any more, it gets a SIGPIPE.
    /// - Returns: its exit code.
    /// - Throws: `OutputFailure`, `VersError`.
    func run() async throws -> Int32 {
        // Signals are taken over before the command exists, so that none falls between.
        let signals = SignalStream.signals(forwardedSignals + (request.tty == nil ? [] : [SIGWINCH]))
        let events = try await session.client.stream(request, in: machine)
        return try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask { try await self.follow(events) }
            group.addTask { try await self.passSignals(signals) }
            if request.keep_stdin_open == true {
                group.addTask {
                    try await self.passInput()
                    return nil
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let code = result { return code }
            }
            throw VersError(.internal, "the command's output ended without its exit code")
        }
    }

    // MARK: Output

    private func follow(_ first: ExecStream) async throws -> Int32 {
        var cursor: UInt64?
        var stream = first
        while true {
            let failure: VersError
            do {
                if let code = try await write(stream, cursor: &cursor) { return code }
                failure = VersError(.unavailable, "the connection to the command was lost")
            } catch let failure as OutputFailure {
                await endUnread()
                throw failure
            } catch let error as VersError where [.unavailable, .unreachable].contains(error.code) {
                failure = error
            }
            stream = try await attachAgain(after: cursor, because: failure)
        }
    }

    /// - Returns: the exit code; nil when the stream ends without one.
    private func write(_ stream: ExecStream, cursor: inout UInt64?) async throws -> Int32? {
        for try await event in stream {
            switch event {
            case .chunk(let name, let data, let position, _, _):
                switch name {
                case .stdout: try session.context.output.stream(data)
                case .stderr: session.context.errorOutput.write(data)
                }
                cursor = position
            case .exit(let code, _, _): return code
            case .error(let code, let message): throw VersError(code, message)
            }
        }
        return nil
    }

    /// Ends the command as the kernel ends one here whose output nobody takes.
    private func endUnread() async {
        do {
            try await session.client.signal(SIGPIPE, to: execID, in: machine)
        } catch {
            // It has ended, or cannot be reached: there is nobody else to tell.
            session.context.debug("the command was not told that nobody reads its output: \(error)")
        }
    }

    private func attachAgain(after cursor: UInt64?, because failure: VersError) async throws -> ExecStream {
        session.context.debug("attaching again: \(failure.message)")
        for delay in Reconnection.delays {
            try await Task.sleep(for: delay)
            do {
                return try await session.client.attach(AttachRequest(exec_id: execID, cursor: cursor), in: machine)
            } catch let error as VersError where [.unavailable, .unreachable].contains(error.code) {
                session.context.debug("not yet: \(error.message)")
            }
        }
        throw VersError(
            failure.code,
            "\(failure.message); the command may still run as \(execID)",
            hint: failure.hint ?? "see 'vers status \(machine)'"
        )
    }

    // MARK: Input

    private func passInput() async throws {
        let input = try StandardInput()
        do {
            while let bytes = try await input.next() {
                try await session.client.sendInput(bytes, to: execID, in: machine, endOfInput: false)
            }
            try await session.client.sendInput([], to: execID, in: machine, endOfInput: true)
        } catch is CancellationError {
            return
        } catch let error as VersError where [.notFound, .conflict].contains(error.code) {
            // The command ended, or closed its stdin: nobody reads what is left.
            return
        }
    }

    // MARK: Signals

    /// Passes signals on until cancelled. Whoever insists with a third interrupt leaves the command behind.
    private func passSignals(_ signals: AsyncStream<Int32>) async throws -> Int32? {
        var interrupts = 0
        for await number in signals {
            if number == SIGWINCH {
                try await passSize()
                continue
            }
            if number == SIGINT { interrupts += 1 }
            if interrupts > 2 { return 128 + SIGINT }
            do {
                try await session.client.signal(number, to: execID, in: machine)
            } catch let error as VersError where error.code == .notFound || error.code == .conflict {
                // It has just ended; its exit code is on the way.
                continue
            } catch let error as VersError {
                session.context.report(error)
                return 128 + number
            }
        }
        return nil
    }

    private func passSize() async throws {
        guard let size = TerminalSize(of: STDIN_FILENO) else { return }
        do {
            try await session.client.resizeTerminal(of: execID, in: machine, to: size)
        } catch let error as VersError {
            // A wrong size is no reason to lose the session.
            session.context.debug("terminal size not passed on: \(error.message)")
        }
    }
}

extension TerminalSize {
    /// Nil when `descriptor` is no terminal, or one that does not know its size.
    init?(of descriptor: Int32) {
        guard let size = TerminalWindow.size(of: descriptor) else { return nil }
        self.init(size)
    }

    init(_ window: TerminalWindow) {
        self.init(columns: UInt16(clamping: window.columns), rows: UInt16(clamping: window.rows))
    }
}
