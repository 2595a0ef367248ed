import Foundation
import NIOCore
import NIOPosix
public import SystemPackage

/// Requests as bytes, for what a well-behaved client cannot send.
public enum RawHTTP {
    public struct Answer: Sendable {
        public var status: Int
        public var headers: [String: String]
        public var body: String
    }

    /// One request with a key on a connection of its own.
    public static func send(
        _ method: String,
        _ path: String,
        body: String? = nil,
        headers: [String: String] = ["Authorization": "Bearer \(DomainDouble.key)"],
        to socket: FilePath
    ) async throws -> Answer {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: vers\r\nConnection: close\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        return try await exchange(text + "\r\n" + (body ?? ""), with: socket)
    }

    /// Sends bytes and reads until the server closes.
    public static func exchange(_ text: String, with socket: FilePath) async throws -> Answer {
        try await connect(to: socket) { connection in
            try await connection.send(text)
            return try parse(await connection.readToEnd())
        }
    }

    public static func connect<Value: Sendable>(
        to socket: FilePath,
        _ operation: @Sendable (inout RawConnection) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: socket.string) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await operation(&connection)
        }
    }

    public static func parse(_ text: String) throws -> Answer {
        guard let split = text.range(of: "\r\n\r\n") else { throw Unreadable(text: text) }
        let lines = text[..<split.lowerBound].components(separatedBy: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Unreadable(text: text)
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        return Answer(status: status, headers: headers, body: String(text[split.upperBound...]))
    }

    public struct Unreadable: Error {
        public var text: String
    }
}

public struct RawConnection {
    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    public func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// The next bytes; nil when the server has closed.
    public mutating func read() async throws -> String? {
        try await inbound.next(isolation: #isolation).map { String(buffer: $0) }
    }

    public mutating func readToEnd() async throws -> String {
        var text = ""
        while let piece = try await read() { text += piece }
        return text
    }
}
