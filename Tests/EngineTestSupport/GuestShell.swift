internal import Foundation
internal import HostSystem
package import SystemPackage

/// Runs commands in the test guest, over the agent's port. A connection for each.
package struct GuestShell: Sendable {
    private let socket: FilePath

    package init(_ socket: FilePath) { self.socket = socket }

    package struct Failure: Error {
        package var message: String
    }

    /// The output of a command, which must succeed.
    @discardableResult
    package func run(_ command: String, timeout: Duration = .seconds(30)) async throws -> String {
        let socket = socket
        return try await BlockingPool.run { try Self.exchange(command, socket: socket, timeout: timeout) }
    }

    private static func exchange(_ command: String, socket: FilePath, timeout: Duration) throws -> String {
        let fd = try UnixSocket.connect(to: socket)
        defer { close(fd) }
        let request = Array((command + "\n").utf8)
        guard write(fd, request, request.count) == request.count else { throw Failure(message: "cannot ask the guest") }
        let deadline = ContinuousClock.now.advanced(by: timeout)
        var received: [UInt8] = []
        while true {
            let text = String(decoding: received, as: UTF8.self)
            if let answer = try parse(text) { return answer }
            let left = deadline - .now
            guard left > .zero else { throw Failure(message: "no answer to '\(command)', only '\(text)'") }
            var wait = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, Int32(left.components.seconds) * 1000 + 1)
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(fd, &buffer, buffer.count)
            if count > 0 { received += buffer.prefix(count) }
            if count == 0 { throw Failure(message: "the guest is gone") }
        }
    }

    /// `=<status> <lines>` and so many lines. Nil while incomplete.
    private static func parse(_ text: String) throws -> String? {
        guard text.hasSuffix("\n") else { return nil }
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("=") }) else { return nil }
        let words = lines[start].dropFirst().split(separator: " ")
        guard words.count == 2, let status = Int(words[0]), let count = Int(words[1]),
            lines.count - start - 1 >= count
        else { return nil }
        let output = lines[(start + 1)...(start + count)].joined(separator: "\n")
        guard status == 0 else { throw Failure(message: "status \(status): \(output)") }
        return output
    }
}
