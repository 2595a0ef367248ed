import Foundation
import Glibc
import HostSystem
import SystemPackage
import VersAPI

/// A program of the host that does one piece of work. Calls block until it has ended.
struct HostTool {
    private static let messageBytes = 2000

    let executable: FilePath

    /// Looks in `PATH` and where Debian keeps the administrator's programs. Nil when it is not installed.
    init?(_ name: String) {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let directories = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
        let candidates: [String] = directories.map { "\($0)/\(name)" }
        guard let found = candidates.first(where: { access($0, X_OK) == 0 }) else { return nil }
        executable = FilePath(found)
    }

    /// Runs it to its end.
    /// - Parameter output: gets what it writes; an error ends the program.
    /// - Throws: ``VersError`` with what it complained about when it fails.
    func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        output: ((UnsafeRawBufferPointer) throws -> Void)? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(filePath: executable.string)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let complaints = FileManager.default.temporaryDirectory.appending(path: "vers-image-\(UUID().uuidString)")
        try HostFile.create(FilePath(complaints.path), bytes: [])
        defer { try? FileManager.default.removeItem(at: complaints) }
        process.standardError = try FileHandle(forWritingTo: complaints)
        let pipe = Pipe()
        process.standardOutput = output == nil ? FileHandle.nullDevice : pipe
        try process.run()
        do {
            if let output {
                try pipe.fileHandleForWriting.close()
                try Self.drain(pipe.fileHandleForReading.fileDescriptor, into: output)
            }
        } catch {
            process.terminate()
            process.waitUntilExit()
            throw error
        }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let text = String(decoding: (try? Data(contentsOf: complaints)) ?? Data(), as: UTF8.self)
            throw VersError(
                .internal,
                "\(executable) failed with status \(process.terminationStatus): "
                    + text.suffix(Self.messageBytes).trimmingCharacters(in: .whitespacesAndNewlines)
            )
        }
    }

    private static func drain(_ descriptor: Int32, into output: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { return }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Errno(rawValue: errno) }
            try output(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
