internal import CHost
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A running process that signals reach without the danger of a reused pid, and whose end is awaited without a
/// thread or a poll: one epoll thread serves all handles.
public final class ProcessHandle: Sendable {
    public let pid: Int32
    private let descriptor: Int32
    private let state = Mutex(State())

    private struct State {
        var status: ProcessExit?
        var waiters: [UInt64: CheckedContinuation<ProcessExit?, Never>] = [:]
        var nextWaiter: UInt64 = 0
        var observers: [@Sendable (ProcessExit) -> Void] = []
    }

    /// - Throws: ``HostError`` with `.noSuchProcess` when nothing has that pid.
    public init(pid: Int32) throws {
        let fd = chost_pidfd_open(pid)
        guard fd >= 0 else { throw HostError("open process \(pid)", errno: Errno(rawValue: errno)) }
        self.pid = pid
        descriptor = fd
        try ProcessExitMonitor.shared.watch(fd, pid: pid) { [self] exit in finish(exit) }
    }

    deinit { close(descriptor) }

    /// How it ended; nil while it runs.
    public var exit: ProcessExit? { state.withLock { $0.status } }

    /// Sends a signal. Does nothing when the process has ended.
    /// - Throws: ``HostError`` when the process is not ours to signal.
    public func signal(_ number: Int32) throws {
        guard chost_pidfd_send_signal(descriptor, number) != 0 else { return }
        let error = Errno(rawValue: errno)
        guard error != .noSuchProcess else { return }
        throw HostError("signal process \(pid)", errno: error)
    }

    /// Calls `observer` once, on the monitor's thread, when the process has ended; at once when it has already.
    public func onExit(_ observer: @escaping @Sendable (ProcessExit) -> Void) {
        let known = state.withLock { state in
            if state.status == nil { state.observers.append(observer) }
            return state.status
        }
        if let known { observer(known) }
    }

    /// Waits for the end. Returns nil when `timeout` passes first or the task is cancelled.
    public func waitForExit(timeout: Duration? = nil) async -> ProcessExit? {
        await withTaskGroup(of: ProcessExit?.self) { group in
            group.addTask { await self.waitUntilCancelled() }
            if let timeout {
                group.addTask {
                    // Cancelled when the process ends first.
                    try? await Task.sleep(for: timeout)
                    return nil
                }
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? self.exit
        }
    }

    private func waitUntilCancelled() async -> ProcessExit? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate = state.withLock { state -> ProcessExit?? in
                    if let status = state.status { return .some(status) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(returning: nil)
        }
    }

    private func finish(_ exit: ProcessExit) {
        let (waiters, observers) = state.withLock { state in
            state.status = exit
            defer {
                state.waiters = [:]
                state.observers = []
            }
            return (Array(state.waiters.values), state.observers)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
        for observer in observers { observer(exit) }
    }
}

/// How a process ended.
public enum ProcessExit: Sendable, Hashable, CustomStringConvertible {
    case exited(code: Int32)
    case signalled(Int32)
    /// It was not a child of this process, so only its end is known.
    case unknown

    public var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let number): "signal \(number)"
        case .unknown: "ended"
        }
    }
}
