internal import CHost
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// Watches process descriptors with one epoll instance and one thread, for the life of the program.
final class ProcessExitMonitor: Sendable {
    static let shared = ProcessExitMonitor()

    private let epoll: Int32
    private let watches = Mutex<[Int32: Watch]>([:])
    private let started = Mutex(false)

    private struct Watch {
        var pid: Int32
        var handler: @Sendable (ProcessExit) -> Void
    }

    private init() { epoll = chost_exit_watch_create() }

    /// Calls `handler` once when the process has ended, and reaps it if it is a child. The handler, and what it
    /// holds, is kept until then; the descriptor must stay open as long.
    func watch(_ descriptor: Int32, pid: Int32, handler: @escaping @Sendable (ProcessExit) -> Void) throws {
        guard epoll >= 0 else { throw HostError("create an epoll instance", errno: .tooManyOpenFiles) }
        startThreadOnce()
        watches.withLock { $0[descriptor] = Watch(pid: pid, handler: handler) }
        guard chost_exit_watch_add(epoll, descriptor) == 0 else {
            let error = Errno(rawValue: errno)
            watches.withLock { $0[descriptor] = nil }
            throw HostError("watch a process", errno: error)
        }
    }

    private func startThreadOnce() {
        let first = started.withLock { started in
            defer { started = true }
            return !started
        }
        guard first else { return }
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
            chost_name_thread("process-exits")
            ProcessExitMonitor.shared.run()
            return nil
        }
        pthread_create(&thread, nil, body, nil)
        pthread_detach(thread)
    }

    private func run() {
        var descriptors = [Int32](repeating: -1, count: 64)
        while true {
            let count = chost_exit_watch_wait(epoll, &descriptors, Int32(descriptors.count))
            guard count > 0 else { continue }
            for descriptor in descriptors.prefix(Int(count)) { finish(descriptor) }
        }
    }

    /// Tells everyone who watches the process: only the first to look gets a child's status from the kernel.
    private func finish(_ descriptor: Int32) {
        guard let pid = watches.withLock({ $0[descriptor]?.pid }) else { return }
        var code: Int32 = 0
        var status: Int32 = 0
        var exit = ProcessExit.unknown
        if chost_pidfd_reap(descriptor, &code, &status) == 0 {
            exit = code == Int32(CLD_EXITED) ? .exited(code: status) : .signalled(status)
        }
        // A watch of the same pid whose process has not ended is that of a later process.
        let over = watches.withLock { watches in
            let ended = watches.filter { $0.value.pid == pid && chost_pidfd_has_ended($0.key) == 1 }
            for descriptor in ended.keys { watches[descriptor] = nil }
            return ended
        }
        for (descriptor, watch) in over {
            chost_exit_watch_remove(epoll, descriptor)
            watch.handler(exit)
        }
    }
}
