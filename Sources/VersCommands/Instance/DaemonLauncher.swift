import Foundation
internal import SystemPackage
import TerminalUI
import VersAPI

/// Starts `versd` in the background and waits until it answers.
///
/// Commands that find no daemon at the same moment take turns here, so that one of them starts it and the others
/// find it running.
struct DaemonLauncher: Sendable {
    /// How long a daemon may take from its start until it listens.
    static let deadline = Duration.seconds(20)

    let context: CommandContext
    let home: InstanceHome

    func launch() async throws -> DaemonDescription {
        try UserDirectory.make(
            home.path,
            mode: .ownerReadWriteExecute,
            code: .forbidden,
            hint: "set VERS_HOME to a directory that you may write"
        )
        let home = home
        let lock = try await Blocking.run { try FileLock.acquire(home.launchLock) }
        defer { close(lock) }
        if let record = try home.runningDaemon() { return record }
        let executable = try DaemonExecutable.find(environment: context.environment)
        context.note(
            "starting versd in the background (home \(home.path), log \(home.log.lastComponent?.string ?? ""))"
        )
        let logStart = Self.size(of: home.log)
        let process = try DaemonProcess.spawn(executable, home: home)
        let outcome = try await context.progress("waiting for versd") {
            await Blocking.run { process.waitUntilReady(timeout: Self.deadline) }
        }
        switch outcome {
        case .ready: return try await record(logStart: logStart)
        case .ended(let status):
            // Another daemon, started by hand at the same moment, may have been faster.
            if FileLock.isHeld(home.daemonLock) { return try await record(logStart: logStart) }
            throw failure(.unavailable, "versd ended at once (\(status))", logStart: logStart)
        case .timedOut:
            process.terminate()
            throw failure(
                .timedOut,
                "versd did not answer within \(Self.deadline.components.seconds) seconds of its start",
                logStart: logStart
            )
        }
    }

    /// The record of the daemon that holds the home, as soon as it is there.
    private func record(logStart: Int) async throws -> DaemonDescription {
        let home = home
        let found = try await Blocking.run {
            try DirectoryWatch.first(in: home.path, timeout: Self.deadline) { try home.runningDaemon() }
        }
        guard let found else {
            throw failure(
                .timedOut,
                "versd runs, but did not listen within \(Self.deadline.components.seconds) seconds",
                logStart: logStart
            )
        }
        return found
    }

    /// The error with what the daemon wrote last on stderr, indented.
    private func failure(_ code: ErrorCode, _ message: String, logStart: Int) -> VersError {
        // The log is an extra; without it the message still stands.
        let text = (try? String(contentsOfFile: home.log.string, encoding: .utf8)) ?? ""
        let new = String(decoding: Array(text.utf8).dropFirst(min(logStart, text.utf8.count)), as: UTF8.self)
        for line in new.split(separator: "\n").suffix(10) { context.note("  \(String(line).withoutControlCharacters)") }
        return VersError(code, message, hint: "see \(home.log), and 'vers doctor'")
    }

    private static func size(of path: FilePath) -> Int {
        var status = stat()
        return stat(path.string, &status) == 0 ? Int(status.st_size) : 0
    }
}

/// Where `versd` is.
enum DaemonExecutable {
    /// Beside this executable, else in `PATH`.
    static func find(environment: [String: String]) throws -> FilePath {
        var directories: [FilePath] = []
        if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            directories.append(FilePath(own).removingLastComponent())
        }
        directories += (environment["PATH"] ?? "").split(separator: ":").map { FilePath(String($0)) }
        for directory in directories {
            let candidate = directory.appending("versd")
            if access(candidate.string, X_OK) == 0 { return candidate }
        }
        throw VersError(
            .notFound,
            "versd not found beside vers or in PATH",
            hint: "install it with 'make install', or set VERS_URL to an instance that runs elsewhere"
        )
    }
}
