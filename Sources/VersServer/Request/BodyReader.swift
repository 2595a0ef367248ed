import Foundation
import Hummingbird
import NIOCore
import VersAPI

/// Reads request bodies within limits of size and time.
struct BodyReader: Sendable {
    let maximumBodyBytes: Int
    let maximumUploadBytes: Int
    let maximumArchiveBytes: Int64
    let timeout: Duration

    init(_ configuration: APIServerConfiguration) {
        maximumBodyBytes = configuration.maximumBodyBytes
        maximumUploadBytes = configuration.maximumUploadBytes
        maximumArchiveBytes = configuration.maximumArchiveBytes
        timeout = configuration.bodyTimeout
    }

    /// The whole body. A declared length over the limit is refused before a byte is read.
    func bytes(of request: Request, limit: Int) async throws -> ByteBuffer {
        let declared = request.headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > limit { throw RequestFailure.bodyTooLarge(limit: limit) }
        let body = try await withThrowingTaskGroup(of: ByteBuffer?.self) { [timeout] group in
            group.addTask { try await request.body.collect(upTo: limit) }
            group.addTask {
                try await Task.sleep(for: timeout, clock: .continuous)
                return nil
            }
            defer { group.cancelAll() }
            do {
                guard let body = try await group.next() ?? nil else {
                    throw RequestFailure.bodyTimedOut(after: timeout)
                }
                return body
            } catch is NIOTooManyBytesError {
                throw RequestFailure.bodyTooLarge(limit: limit)
            }
        }
        // The stream of parts simply ends when the client goes away.
        if let declared, body.readableBytes < declared {
            throw VersError(.cancelled, "the body ended after \(body.readableBytes) of \(declared) bytes")
        }
        return body
    }

    func json<Value: Decodable>(_ type: Value.Type, of request: Request, limit: Int? = nil) async throws -> Value {
        let body = try await bytes(of: request, limit: limit ?? maximumBodyBytes)
        return try JSONBody(body).decode(type)
    }

    /// As ``json(_:of:limit:)``, but nil for a body that is absent, empty or `null`.
    func optionalJSON<Value: Decodable>(_ type: Value.Type, of request: Request) async throws -> Value? {
        let body = JSONBody(try await bytes(of: request, limit: maximumBodyBytes))
        return body.isNothing ? nil : try body.decode(type)
    }
}
