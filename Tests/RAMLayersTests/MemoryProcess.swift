import Foundation
import HostSystem
import SystemPackage

/// The library and the test program, compiled once.
enum Compiled {
    static let directory: FilePath = {
        let path = FilePath(NSTemporaryDirectory()).appending("vers-ramlayers-tests-\(getpid())")
        try? FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        atexit {
            try? FileManager.default.removeItem(
                atPath: FilePath(NSTemporaryDirectory()).appending("vers-ramlayers-tests-\(getpid())").string
            )
        }
        return path
    }()

    static let result = Result {
        let tests = FilePath(#filePath).removingLastComponent()
        let package = tests.removingLastComponent().removingLastComponent()
        let library = directory.appending("libramlayers.so")
        let program = directory.appending("memory")
        let emulator = directory.appending("emulator")
        try run(package.appending("Sources/RAMLayers/build.sh"), [library.string])
        let compile = ["-O2", "-Wall", "-Werror", tests.appending("Program/memory.c").string, "-o"]
        try run("/usr/bin/cc", compile + [program.string])
        try run("/usr/bin/cc", compile + [emulator.string, "-DTRANSLATES", "-rdynamic"])
        return (library: library, program: program, emulator: emulator)
    }

    /// The program that checks the tracking of a KVM guest's writes.
    static func guest() throws -> FilePath {
        let tests = FilePath(#filePath).removingLastComponent()
        let sources = tests.removingLastComponent().removingLastComponent().appending("Sources/RAMLayers")
        let parts = ["tracking.c", "pagemap.c", "ram.c"].map { sources.appending($0).string }
        let guest = directory.appending("guest")
        let options = ["-std=gnu11", "-O2", "-Wall", "-Werror", tests.appending("Program/guest.c").string]
        try run("/usr/bin/cc", options + parts + ["-o", guest.string])
        return guest
    }

    private static func run(_ program: FilePath, _ arguments: [String]) throws {
        guard try status(of: program, arguments) == 0 else { throw MemoryProcess.Failure("\(program) failed") }
    }

    static func status(of program: FilePath, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program.string)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }
}

/// A process whose memory is layered.
final class MemoryProcess {
    static let pages = 4096

    struct Failure: Error, Hashable {
        var message: String
        init(_ message: String) { self.message = message }
    }

    let directory: FilePath
    let pid: Int32
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread: [UInt8] = []

    /// - Parameter translates: whether the process has what the library uses of an emulating QEMU.
    /// - Parameter tracks: whether the library may have the kernel tell which pages were written.
    init(pages: Int = MemoryProcess.pages, translates: Bool = false, tracks: Bool = true) throws {
        let compiled = try Compiled.result.get()
        directory = Compiled.directory.appending(UUID().uuidString)
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        try HostFile.createSparse(directory.appending("ram"), sizeInBytes: UInt64(pages) * 4096)
        process.executableURL = URL(
            fileURLWithPath: (translates ? compiled.emulator : compiled.program).string
        )
        process.currentDirectoryURL = URL(fileURLWithPath: directory.string)
        process.environment = [
            "LD_PRELOAD": compiled.library.string, "VERS_RAM_FILE": "ram", "VERS_RAM_SOCKET": "ram.sock",
            "VERS_RAM_TRACKING": tracks ? "on" : "off",
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        pid = process.processIdentifier
        guard try readLine() == "ready" else { throw Failure("the program did not start") }
    }

    func end() {
        // Not SIGTERM: it may be blocked in a process that a test runner starts.
        kill(pid, SIGKILL)
        process.waitUntilExit()
    }

    /// Returns when it has ended by itself; the test's time limit bounds it.
    func waitUntilEnd() { process.waitUntilExit() }

    func obey(_ command: String) throws {
        let answer = try ask(command)
        guard answer == "0" else { throw Failure("\(command): errno \(answer)") }
    }

    func ask(_ command: String) throws -> String {
        try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        return try readLine()
    }

    /// All of the memory.
    func dump() throws -> Data {
        let path = directory.appending("dump")
        try obey("dump \(path)")
        return try Data(contentsOf: URL(fileURLWithPath: path.string))
    }

    /// What a process sees that maps `layers`.
    static func contents(of layers: [FilePath], pages: Int = MemoryProcess.pages) throws -> Data {
        let reader = try MemoryProcess(pages: pages)
        defer { reader.end() }
        try reader.map(layers)
        return try reader.dump()
    }

    func connect() throws -> ControlConnection { try ControlConnection(directory.appending("ram.sock")) }

    /// Maps layers, the oldest first.
    func map(_ layers: [FilePath]) throws {
        let control = try connect()
        for layer in layers { _ = try control.request("layer \(layer)") }
        _ = try control.request("map")
    }

    private func readLine() throws -> String {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeFirst(end + 1) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Failure("the program ended") }
            unread += data
        }
    }
}

/// A blocking connection to the control socket.
final class ControlConnection {
    private let fd: Int32

    init(_ path: FilePath) throws { fd = try UnixSocket.connect(to: path) }

    deinit { close(fd) }

    /// The answer to a line.
    /// - Throws: ``MemoryProcess/Failure`` for an `error` answer, with the answer as its message.
    func request(_ line: String) throws -> String {
        try send(line)
        let answer = try receive()
        guard !answer.hasPrefix("error") else { throw MemoryProcess.Failure(answer) }
        return answer
    }

    func send(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard write(fd, bytes, bytes.count) == bytes.count else { throw MemoryProcess.Failure("cannot send") }
    }

    /// The next line.
    func receive() throws -> String {
        var line: [UInt8] = []
        while true {
            var wait = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 60_000) == 1 else { throw MemoryProcess.Failure("no answer") }
            var byte: UInt8 = 0
            guard read(fd, &byte, 1) == 1 else { throw MemoryProcess.Failure("disconnected") }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }
}
