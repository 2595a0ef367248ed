import AsyncHTTPClient
import Foundation
import NIOCore
public import SystemPackage
import VersAPI

/// The typed client of the HTTP API.
///
/// It owns a pool of connections: call ``shutdown()`` once when done (or use ``with(_:_:)``), after which every call
/// throws. Copies share the pool; calls may run concurrently, and followed commands each hold one connection.
///
/// Every call throws ``VersError``: with the server's code, message and hint when it answered, `.unreachable` when
/// nothing listens, `.timedOut` when an answer took too long, `.unavailable` when the connection broke, `.cancelled`
/// when the calling task was cancelled. Reads (`GET`) are repeated up to twice after a broken connection or a
/// passing server error; changes are only through ``repeatable(under:)``.
public struct VersClient: Sendable {
    /// Patience with the server.
    public struct Configuration: Sendable {
        public var connectTimeout: Duration = .seconds(5)
        /// For calls that only read or note something.
        public var requestTimeout: Duration = .seconds(60)
        /// For calls that may wait for a VM: create, branch, commit, change state, resize, delete, files.
        public var operationTimeout: Duration = .seconds(900)
        /// The pauses before the first and the second repetition of a read.
        public var retryDelays: [Duration] = [.milliseconds(100), .milliseconds(400)]

        public init() {}
    }

    private(set) var transport: Transport

    /// - Parameters:
    ///   - baseURL: `http://127.0.0.1:PORT`, without a path.
    ///   - apiKey: sent as a bearer key; never logged.
    /// - Throws: ``VersError`` `.invalidArgument` when `baseURL` is none.
    public init(baseURL: String, apiKey: String, configuration: Configuration = Configuration()) throws {
        transport = try Transport(server: .url(baseURL), apiKey: apiKey, configuration: configuration)
    }

    /// A client of the daemon that listens on a Unix socket.
    public init(unixSocket: FilePath, apiKey: String, configuration: Configuration = Configuration()) throws {
        transport = try Transport(server: .unixSocket(unixSocket), apiKey: apiKey, configuration: configuration)
    }

    /// This client for one change, which is repeated like a read and done once all the same: the server knows it by the
    /// key, also after a restart. Streams and signing up are not repeated.
    /// - Parameter key: 1 to 255 visible ASCII characters, a random one when nil; never to be used for another request. To ask again later,
    ///   in another process too, use the same.
    public func repeatable(under key: String? = nil) -> VersClient {
        var copy = self
        copy.transport.idempotencyKey = key ?? UUID().uuidString.lowercased()
        return copy
    }

    /// Closes all connections; streams that are still open end with an error. To be called exactly once.
    public func shutdown() async throws { try await transport.shutdown() }

    /// Runs `operation` and shuts `client` down afterwards, whatever happens.
    public static func with<Value>(
        _ client: VersClient,
        _ operation: (VersClient) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await operation(client)
            try await client.shutdown()
            return value
        } catch {
            // The first error is the one that matters.
            try? await client.shutdown()
            throw error
        }
    }
}
