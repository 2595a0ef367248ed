internal import CHost
internal import Glibc
internal import Synchronization
public import SystemPackage

/// Tells of changes to files and directories, with one inotify instance and one thread, for the life of the program: the
/// kernel gives a user few instances.
public final class FileWatcher: Sendable {
    /// What is told of.
    public enum Subject: Sendable {
        /// A file's contents.
        case contents
        /// The names in a directory.
        case names

        fileprivate var mask: UInt32 {
            switch self {
            case .contents: UInt32(IN_MODIFY)
            case .names: UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
            }
        }
    }

    public static let shared = FileWatcher()

    private struct State {
        var handlers: [Int32: [UInt64: @Sendable () -> Void]] = [:]
        var latest: UInt64 = 0
        var hasThread = false
    }

    /// The size of what comes before an event's name in `struct inotify_event`, and where that has the name's length.
    private static let headBytes = 16
    private static let lengthOffset = 12

    private let inotify: Int32
    private let state = Mutex(State())

    private init() { inotify = inotify_init1(Int32(IN_CLOEXEC)) }

    /// Calls `handler` after every change, from the watcher's thread, until the token is let go of. Several changes may
    /// be told of as one. The handler must not block.
    /// - Throws: ``HostError``, with `.noSuchFileOrDirectory` for what is not there.
    public func watch(
        _ path: FilePath,
        for subject: Subject,
        handler: @escaping @Sendable () -> Void
    ) throws -> FileWatch {
        guard inotify >= 0 else { throw HostError("create an inotify instance", errno: .tooManyOpenFiles) }
        return try state.withLock { state in
            // What is watched already has the same number, and others who watch it must not lose theirs.
            let number = inotify_add_watch(inotify, path.string, subject.mask | UInt32(bitPattern: IN_MASK_ADD))
            guard number >= 0 else { throw HostError("watch", path, errno: Errno(rawValue: errno)) }
            startThreadOnce(&state)
            state.latest += 1
            state.handlers[number, default: [:]][state.latest] = handler
            return FileWatch(watcher: self, number: number, handler: state.latest)
        }
    }

    fileprivate func remove(_ number: Int32, _ handler: UInt64) {
        state.withLock { state in
            guard state.handlers[number]?.removeValue(forKey: handler) != nil else { return }
            guard state.handlers[number]?.isEmpty == true else { return }
            state.handlers[number] = nil
            // Fails when the kernel has ended it, because what was watched is gone.
            _ = inotify_rm_watch(inotify, number)
        }
    }

    private func startThreadOnce(_ state: inout State) {
        guard !state.hasThread else { return }
        state.hasThread = true
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
            chost_name_thread("file-changes")
            FileWatcher.shared.run()
            return nil
        }
        pthread_create(&thread, nil, body, nil)
        pthread_detach(thread)
    }

    private func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 8)
        while true {
            let count = read(inotify, buffer.baseAddress, buffer.count)
            guard count > 0 else { continue }
            for handler in handlers(for: Self.numbers(in: UnsafeRawBufferPointer(rebasing: buffer[..<count]))) {
                handler()
            }
        }
    }

    private static func numbers(in events: UnsafeRawBufferPointer) -> Set<Int32> {
        var numbers: Set<Int32> = []
        var offset = 0
        while offset + headBytes <= events.count {
            numbers.insert(events.load(fromByteOffset: offset, as: Int32.self))
            offset += headBytes + Int(events.load(fromByteOffset: offset + lengthOffset, as: UInt32.self))
        }
        return numbers
    }

    private func handlers(for numbers: Set<Int32>) -> [@Sendable () -> Void] {
        state.withLock { state in
            // -1: the kernel has dropped events.
            guard !numbers.contains(-1) else { return state.handlers.values.flatMap(\.values) }
            return numbers.flatMap { Array((state.handlers[$0] ?? [:]).values) }
        }
    }
}

/// Held by whoever is told of changes; letting go of it ends that.
public final class FileWatch: Sendable {
    private let watcher: FileWatcher
    private let number: Int32
    private let handler: UInt64

    fileprivate init(watcher: FileWatcher, number: Int32, handler: UInt64) {
        self.watcher = watcher
        self.number = number
        self.handler = handler
    }

    deinit { watcher.remove(number, handler) }
}
