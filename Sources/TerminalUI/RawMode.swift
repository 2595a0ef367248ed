import Foundation
import Synchronization

/// A terminal in raw mode: every key goes to the reader, nothing is echoed.
///
/// The former settings come back with ``restore()``, and also when the process exits through `exit`, is ended by a
/// signal or crashes. At most one terminal is raw at a time.
public final class RawMode: Sendable {
    private let isActive = Mutex(true)

    /// - Throws: ``TerminalError`` when `descriptor` is no terminal, or one is raw already.
    public init(descriptor: Int32) throws(TerminalError) {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { throw TerminalError(call: "tcgetattr", errno: errno) }
        guard RawModeGuard.arm(descriptor: descriptor, settings: settings) else {
            throw TerminalError(call: "raw mode", errno: EBUSY)
        }
        cfmakeraw(&settings)
        guard tcsetattr(descriptor, TCSADRAIN, &settings) == 0 else {
            let code = errno
            RawModeGuard.restore()
            throw TerminalError(call: "tcsetattr", errno: code)
        }
    }

    deinit { restore() }

    /// Idempotent.
    public func restore() {
        let wasActive = isActive.withLock { active in
            defer { active = false }
            return active
        }
        if wasActive { RawModeGuard.restore() }
    }
}

/// A system call on a terminal failed.
public struct TerminalError: Error, Sendable, CustomStringConvertible {
    public var call: String
    public var errno: Int32

    public var description: String { "\(call): \(String(cString: strerror(errno)))" }
}

/// What a signal handler can reach: fixed memory, allocated once and never freed.
private enum RawModeGuard {
    nonisolated(unsafe) private static let saved: UnsafeMutablePointer<termios> = .allocate(capacity: 1)
    /// The raw terminal, or -1. A signal handler may read it at any moment.
    static let descriptor = Atomic<Int32>(-1)
    private static let fatalSignals = [
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP,
    ]
    /// What each signal did before, by its number: the Swift runtime, for one, prints a backtrace after a crash.
    nonisolated(unsafe) private static let former: UnsafeMutablePointer<sigaction> = .allocate(capacity: 65)
    /// Once per process, so that no handler of ours is ever taken for a former one.
    private static let installed: Void = {
        atexit { RawModeGuard.restore() }
        for number in fatalSignals { install(number) }
    }()

    static func arm(descriptor newDescriptor: Int32, settings: termios) -> Bool {
        guard descriptor.load(ordering: .acquiring) == -1 else { return false }
        saved.initialize(to: settings)
        descriptor.store(newDescriptor, ordering: .releasing)
        _ = installed
        return true
    }

    /// Async-signal-safe: `tcsetattr` is, by POSIX.
    static func restore() {
        let raw = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
        if raw >= 0 { tcsetattr(raw, TCSANOW, saved) }
    }

    /// Leaves alone what the program ignores.
    private static func install(_ number: Int32) {
        var current = sigaction()
        guard sigaction(number, nil, &current) == 0, !isIgnored(current) else { return }
        (former + Int(number)).initialize(to: current)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            RawModeGuard.restore()
            sigaction(number, RawModeGuard.former + Int(number), nil)
            // Blocked until this handler returns; then it does what it did before.
            raise(number)
        }
        sigaction(number, &action, nil)
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
