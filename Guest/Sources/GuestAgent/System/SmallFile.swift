import Glibc

/// Files of a few kilobytes, read and written whole.
enum SmallFile {
    /// - Returns: nil when there is no such file, or it cannot be read, or it is longer than `limit`.
    static func read(_ path: String, limit: Int = 1024 * 1024) -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = Glibc.read(fd, &buffer, buffer.count)
            if count < 0 { return nil }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            if bytes.count > limit { return nil }
        }
    }

    static func readText(_ path: String) -> String? {
        read(path).map { String(decoding: $0, as: UTF8.self) }
    }

    static func readLine(_ path: String) -> String? {
        readText(path)?.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
    }

    /// Replaces the file in one step when its content differs. Not flushed: what it holds is written again at
    /// every change of identity.
    static func replace(_ path: String, with text: String, mode: mode_t) throws(SystemError) {
        try replace(path, with: Array(text.utf8), mode: mode)
    }

    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(SystemError) {
        if let present = read(path) {
            if present == bytes || overwrite(path, of: present.count, with: bytes, mode: mode) { return }
        }
        let temporary = path + ".vers"
        unlink(temporary)
        let fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard fd >= 0 else { throw SystemError("create \(temporary)") }
        do throws(SystemError) {
            defer { close(fd) }
            guard fchmod(fd, mode) == 0 else { throw SystemError("chmod \(temporary)") }
            try writeAll(bytes[...], to: fd, path: temporary)
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let failure = SystemError("rename \(temporary)")
            unlink(temporary)
            throw failure
        }
    }

    /// Writes over a file of the same length, of one page at most, which a crash leaves old or new. The filesystem
    /// allocates nothing and renames nothing, which in a VM just restored is most of what a change of identity takes.
    /// - Returns: false when the file is not just like that, or could not be written; it is then as it was.
    private static func overwrite(_ path: String, of length: Int, with bytes: [UInt8], mode: mode_t) -> Bool {
        guard length == bytes.count, length <= 4096 else { return false }
        let fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        var status = stat()
        guard fstat(fd, &status) == 0, status.st_mode == S_IFREG | mode, status.st_nlink == 1,
            status.st_uid == geteuid(), status.st_size == off_t(length)
        else { return false }
        return pwrite(fd, bytes, length, 0) == length
    }

    static func writeAll(_ bytes: ArraySlice<UInt8>, to fd: Int32, path: String) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw SystemError("write \(path)")
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Creates a directory and those above it that are missing.
    static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        if path.isEmpty || path == "/" || mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw SystemError("create directory \(path)") }
        try makeDirectories(parent(of: path), mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw SystemError("create directory \(path)") }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The target of a symbolic link.
    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
