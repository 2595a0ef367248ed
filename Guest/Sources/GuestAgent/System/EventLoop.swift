import CGuest
import Glibc

/// Waits for descriptors and timers on one thread.
final class EventLoop {
    typealias TimerID = UInt64

    private struct Registration {
        let generation: UInt32
        let handler: (UInt32) -> Void
    }

    private struct Timer {
        let id: TimerID
        let deadline: UInt64
        let action: () -> Void
    }

    private static let batch = 64

    private let descriptor: Int32
    private var registrations: [Int32: Registration] = [:]
    /// The last is due first.
    private var timers: [Timer] = []
    private var generation: UInt32 = 0
    private var lastTimer: TimerID = 0
    private var isStopped = false
    private let stopEvent: Int32

    init() throws(SystemError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("epoll_create1") }
        stopEvent = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        try add(stopEvent, Self.readable) { [unowned self] _ in isStopped = true }
    }

    deinit {
        close(descriptor)
        close(stopEvent)
    }

    static let readable = EPOLLIN.rawValue
    static let writable = EPOLLOUT.rawValue
    static let edgeTriggered = EPOLLET.rawValue

    /// Calls `handler` with the events of `fd` until ``remove(_:)``. The descriptor stays the caller's.
    func add(_ fd: Int32, _ events: UInt32, handler: @escaping (UInt32) -> Void) throws(SystemError) {
        generation &+= 1
        var event = epoll_event()
        event.events = events
        event.data.u64 = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: fd))
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, fd, &event) == 0 else { throw SystemError("epoll_ctl") }
        registrations[fd] = Registration(generation: generation, handler: handler)
    }

    func remove(_ fd: Int32) {
        guard registrations.removeValue(forKey: fd) != nil else { return }
        epoll_ctl(descriptor, EPOLL_CTL_DEL, fd, nil)
    }

    func schedule(afterMilliseconds delay: UInt64, _ action: @escaping () -> Void) -> TimerID {
        lastTimer += 1
        let (sum, overflow) = Clock.monotonicMilliseconds().addingReportingOverflow(delay)
        let timer = Timer(id: lastTimer, deadline: overflow ? .max : sum, action: action)
        let index = timers.firstIndex { $0.deadline <= timer.deadline } ?? timers.endIndex
        timers.insert(timer, at: index)
        return timer.id
    }

    func cancel(_ id: TimerID?) {
        guard let id else { return }
        timers.removeAll { $0.id == id }
    }

    /// Ends ``run(beforeWaiting:)``. From any thread.
    func stop() { _ = eventfd_write(stopEvent, 1) }

    /// Runs until ``stop()``. `beforeWaiting` is called before each wait, which is skipped when it returns true.
    func run(beforeWaiting: () -> Bool) throws(SystemError) {
        var events = [epoll_event](repeating: epoll_event(), count: Self.batch)
        while !isStopped {
            let timeout = beforeWaiting() ? 0 : waitTimeout()
            let count = epoll_wait(descriptor, &events, Int32(Self.batch), timeout)
            guard count >= 0 || errno == EINTR else { throw SystemError("epoll_wait") }
            for event in events.prefix(max(0, Int(count))) {
                let fd = Int32(truncatingIfNeeded: event.data.u64)
                // An earlier handler of this batch may have closed it and opened another of the same number.
                guard let registration = registrations[fd],
                    registration.generation == UInt32(event.data.u64 >> 32)
                else { continue }
                registration.handler(event.events)
            }
            runTimers()
        }
    }

    private func waitTimeout() -> Int32 {
        guard let next = timers.last else { return -1 }
        let now = Clock.monotonicMilliseconds()
        return next.deadline <= now ? 0 : Int32(clamping: next.deadline - now)
    }

    private func runTimers() {
        let now = Clock.monotonicMilliseconds()
        while let timer = timers.last, timer.deadline <= now {
            timers.removeLast()
            timer.action()
        }
    }
}
