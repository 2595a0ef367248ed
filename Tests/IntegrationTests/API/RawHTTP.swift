import Foundation
import Glibc
import SystemPackage
import Testing
import VersAPI

/// An answer, as it came.
struct RawAnswer {
    var status: Int
    var body: String

    var error: ErrorBody? { try? JSONDecoder().decode(ErrorBody.self, from: Data(body.utf8)) }
}

/// A connection that has begun a request and does not end it.
final class SlowRequest {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    func close() { Glibc.close(descriptor) }
}

extension Instance {
    /// A request by curl, which takes paths and bodies as they are.
    func raw(
        _ method: String,
        _ path: String,
        body: String? = nil,
        authorization: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> RawAnswer {
        let file = root.appending("body-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: file.string) }
        var arguments = [
            "-sS", "--path-as-is", "--unix-socket", home.appending("versd.sock").string, "-X", method,
            "-H", "Authorization: \(try authorization ?? "Bearer \(key)")", "-H", "Expect:",
            "-w", "\n%{http_code}", "--max-time", "60", "http://vers/api/v1\(path)",
        ]
        for (name, value) in headers { arguments += ["-H", "\(name): \(value)"] }
        if let body {
            try body.write(toFile: file.string, atomically: false, encoding: .utf8)
            arguments += ["-H", "Content-Type: application/json", "--data-binary", "@\(file)"]
        }
        let curl = try RunningProgram("/usr/bin/curl", arguments, environment: environment, directory: root)
        defer { curl.forget() }
        let result = try await curl.result(within: .seconds(90))
        let end = try #require(result.stdout.lastIndex(of: "\n"), "curl: \(result)")
        let status = try #require(Int(result.stdout[result.stdout.index(after: end)...]), "curl: \(result)")
        return RawAnswer(status: status, body: String(result.stdout[..<end]))
    }

    /// Sends half of a request's head.
    func startSlowRequest() throws -> SlowRequest {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = home.appending("versd.sock").string.utf8CString
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            path.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(target.count))) }
        }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Errno(rawValue: errno) }
        let text = Array("POST /api/v1/vm/new_root HTTP/1.1\r\nHost: vers\r\nContent-Le".utf8)
        guard write(descriptor, text, text.count) == text.count else { throw Errno(rawValue: errno) }
        return SlowRequest(descriptor: descriptor)
    }
}
