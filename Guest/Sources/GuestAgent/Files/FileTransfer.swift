import CGuest
import Glibc
import GuestProtocol

/// A file on its way to the host.
final class FileReading {
    let channel: UInt32
    let descriptor: Int32
    let path: String
    var window = SendWindow()
    private var remaining: UInt64

    /// - Throws: `.notFound`, `.invalidArgument` for what is not a regular file, `.tooLarge`.
    init(path: String, limit: UInt64, channel: UInt32) throws(Failure) {
        try FilePaths.check(path)
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FilePaths.failure("read", path) }
        self.path = path
        self.channel = channel
        // One byte more shows that the file is longer than the limit.
        remaining = limit == .max ? limit : limit + 1
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure(.invalidArgument, "'\(path)' is not a regular file")
        }
        guard status.st_size <= limit else {
            close(descriptor)
            throw Failure(.tooLarge, "'\(path)' has \(status.st_size) bytes: the limit is \(limit)")
        }
    }

    deinit { close(descriptor) }

    /// Reads the next piece that the window has room for; nil when it has none. An empty piece is the end.
    func next() throws(Failure) -> [UInt8]? {
        let size = min(ProtocolLimits.payloadInBytes, window.available)
        guard size >= min(4096, ProtocolLimits.payloadInBytes) else { return nil }
        var buffer = [UInt8](repeating: 0, count: size)
        let count = read(descriptor, &buffer, size)
        guard count >= 0 else { throw FilePaths.failure("read", path) }
        guard count < remaining else { throw Failure(.tooLarge, "'\(path)' is longer than the limit") }
        remaining -= UInt64(count)
        window.spend(count)
        return Array(buffer[..<count])
    }
}

/// A file on its way from the host: written beside its place and renamed when complete and flushed.
final class FileWriting {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var remaining: UInt64
    private var isComplete = false
    var window = ReceiveWindow()

    init(path: String, mode: UInt32, createDirectories: Bool, size: UInt64) throws(Failure) {
        try FilePaths.check(path)
        guard mode <= 0o7777 else { throw Failure(.invalidArgument, "invalid mode \(mode): expected at most 0o7777") }
        let target = FilePaths.resolvingLinks(path)
        var status = stat()
        if stat(target, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw Failure(.invalidArgument, "'\(path)' exists and is not a regular file")
        }
        do throws(SystemError) {
            if createDirectories { try SmallFile.makeDirectories(SmallFile.parent(of: target)) }
        } catch {
            throw Failure(.invalidArgument, error.description)
        }
        var template = Array("\(target).vers-XXXXXX".utf8CString)
        descriptor = cguest_make_temporary(&template)
        guard descriptor >= 0 else { throw FilePaths.failure("write", path, -descriptor) }
        temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.path = target
        remaining = size
        fchmod(descriptor, mode)
    }

    deinit {
        close(descriptor)
        if !isComplete { unlink(temporary) }
    }

    /// - Returns: credit to send.
    func add(_ bytes: [UInt8]) throws(Failure) -> UInt32? {
        guard UInt64(bytes.count) <= remaining, (try? window.receive(bytes.count)) != nil else {
            throw Failure(.badRequest, "more bytes for '\(path)' than were announced")
        }
        do throws(SystemError) {
            try SmallFile.writeAll(bytes[...], to: descriptor, path: path)
        } catch {
            throw Failure(error.number == ENOSPC ? .resourceExhausted : .internal, error.description)
        }
        remaining -= UInt64(bytes.count)
        return window.consume(bytes.count)
    }

    func finish() throws(Failure) {
        guard remaining == 0 else { throw Failure(.badRequest, "'\(path)' ended \(remaining) bytes early") }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw FilePaths.failure("write", path) }
        isComplete = true
        let directory = open(SmallFile.parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }
}

enum FilePaths {
    static func check(_ path: String) throws(Failure) {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw Failure(.invalidArgument, "invalid path '\(path.prefix(256))': expected an absolute path")
        }
        guard !path.hasSuffix("/") else { throw Failure(.invalidArgument, "'\(path)' is a directory") }
    }

    /// A link is written through, as other programs do.
    static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func failure(_ verb: String, _ path: String, _ number: Int32 = errno) -> Failure {
        let message = "cannot \(verb) '\(path)': \(String(cString: strerror(number)))"
        switch number {
        case ENOENT: return Failure(.notFound, message)
        case ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EACCES, EPERM, EROFS: return Failure(.invalidArgument, message)
        case ENOSPC, EDQUOT, EMFILE, ENFILE: return Failure(.resourceExhausted, message)
        default: return Failure(.internal, message)
        }
    }
}
