import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import VersAPI

/// Sends requests, repeats reads, and turns every failure into a ``VersError``.
struct Transport: Sendable {
    /// More than any answer of ours: the largest is a file of ``TransferLimit/fileBytes`` in base64.
    private static let maximumAnswerBytes = TransferLimit.uploadBodyBytes + 1024 * 1024

    private static let maximumErrorBytes = 1024 * 1024

    private let address: ServerAddress
    private let origin: String
    let apiKey: String
    private let configuration: VersClient.Configuration
    private let client: HTTPClient
    /// Names a change, so that it can be sent again.
    var idempotencyKey: String?

    init(server: ServerAddress, apiKey: String, configuration: VersClient.Configuration) throws {
        address = server
        origin = try server.origin()
        self.apiKey = apiKey
        self.configuration = configuration
        var options = HTTPClient.Configuration()
        options.redirectConfiguration = .disallow
        options.timeout.connect = TimeAmount(configuration.connectTimeout)
        options.httpVersion = .http1Only
        // Refused means refused: repetition is this type's business.
        options.connectionPool.retryConnectionEstablishment = false
        // Every followed command keeps a connection; the default of 8 would let the ninth call wait for ever.
        options.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4096
        // Below the server's idle timeout, so that a pooled connection is never closed under a new request.
        options.connectionPool.idleTimeout = .seconds(15)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: options)
    }

    func shutdown() async throws {
        do {
            try await client.shutdown()
        } catch {
            throw translate(error)
        }
    }

    /// The decoded answer.
    func value<Value: Decodable>(_ type: Value.Type, _ plan: RequestPlan) async throws -> Value {
        let data = try await answer(to: plan)
        do {
            return try JSONCoding.decode(type, from: data)
        } catch {
            throw VersError(
                .internal,
                "the server's answer to \(plan.method.rawValue) \(plan.path) is not understood",
                hint: "client and server may be of different versions: compare `vers --version` with the server's",
                cause: error
            )
        }
    }

    /// For answers that carry nothing.
    func perform(_ plan: RequestPlan) async throws { _ = try await answer(to: plan) }

    /// The answer's head, and its body still to be read. Not repeated.
    func open(_ plan: RequestPlan) async throws -> HTTPClientResponse {
        do {
            let response = try await client.execute(request(for: plan), deadline: deadline(plan.patience))
            guard (200..<300).contains(response.status.code) else { throw try await failure(response) }
            return response
        } catch {
            throw translate(error)
        }
    }

    private func answer(to plan: RequestPlan) async throws -> Data {
        let isRepeatable = plan.method == .get || (idempotencyKey != nil && !plan.isAtRoot)
        var delays = isRepeatable ? configuration.retryDelays[...] : []
        while true {
            do {
                return try await attempt(plan)
            } catch let error as RepeatableFailure {
                guard let delay = delays.popFirst() else { throw error.error }
                do {
                    try await Task.sleep(for: delay, clock: .continuous)
                } catch {
                    throw translate(error)
                }
            }
        }
    }

    /// - Throws: ``RepeatableFailure`` when another try makes sense, ``VersError`` otherwise.
    private func attempt(_ plan: RequestPlan) async throws -> Data {
        do {
            let deadline = deadline(plan.patience)
            let response = try await client.execute(request(for: plan), deadline: deadline)
            guard (200..<300).contains(response.status.code) else {
                let error = try await failure(response)
                if Self.passing.contains(response.status.code) { throw RepeatableFailure(error: error) }
                throw error
            }
            return Data(buffer: try await response.body.collect(upTo: Self.maximumAnswerBytes))
        } catch let error as RepeatableFailure {
            throw error
        } catch {
            let translated = translate(error)
            let isPassing = !(error is VersError) && [.unreachable, .unavailable].contains(translated.code)
            if isPassing { throw RepeatableFailure(error: translated) }
            throw translated
        }
    }

    private static let passing: Set<UInt> = [429, 500, 502, 503, 504]

    private func request(for plan: RequestPlan) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: origin + plan.target)
        request.method = HTTPMethod(rawValue: plan.method.rawValue)
        request.headers.add(name: "Authorization", value: "Bearer \(apiKey)")
        request.headers.add(name: "Accept", value: "application/json, application/x-ndjson")
        request.headers.add(name: "User-Agent", value: "vers-swift")
        if plan.method != .get, let idempotencyKey {
            request.headers.add(name: "X-Idempotency-Key", value: idempotencyKey)
        }
        if let upload = plan.upload {
            request.headers.add(name: "Content-Type", value: "application/octet-stream")
            request.body = .stream(upload, length: .known(upload.length))
        } else if let body = plan.body {
            request.headers.add(name: "Content-Type", value: plan.contentType)
            request.body = .bytes(ByteBuffer(data: body))
        }
        return request
    }

    private func deadline(_ patience: RequestPlan.Patience) -> NIODeadline {
        switch patience {
        case .request: .now() + TimeAmount(configuration.requestTimeout)
        case .operation: .now() + TimeAmount(configuration.operationTimeout)
        case .unlimited: .distantFuture
        }
    }

    /// A server that refuses a body in the middle of it answers and closes. The HTTP client then closes its side too, and
    /// reports what of the body it had not sent yet as a failure, in place of the rest of the answer that it has read.
    /// The status is the answer all the same.
    private func failure(_ response: HTTPClientResponse) async throws -> VersError {
        var body = Data()
        do {
            for try await part in response.body where body.count < Self.maximumErrorBytes {
                body.append(contentsOf: part.readableBytesView)
            }
        } catch  where !(error is CancellationError) && error as? HTTPClientError != .cancelled {
            var failure = AnswerError.read(status: Int(response.status.code), body: body)
            failure.hint = failure.hint ?? "the connection was lost before the rest of the answer came"
            return failure
        }
        return AnswerError.read(status: Int(response.status.code), body: body)
    }

    func translate(_ error: any Error) -> VersError {
        ConnectionError(address: address, configuration: configuration).translate(error)
    }
}

private struct RepeatableFailure: Error {
    var error: VersError
}
