import Hummingbird
import VersAPI

/// Signing up and in from a shell, without a key. The paths are those that the public service has at its site.
struct ShellAuthRoutes: Sendable {
    /// More than an address, a key and a label take.
    static let maximumBodyBytes = 64 * 1024

    let accounts: any AccountOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.onPublic(.post, "/api/shell-auth") { request, _ in
            let body = try await bodies.json(ShellAuthRequest.self, of: request, limit: Self.maximumBodyBytes)
            return try .json(try await accounts.startRegistration(body))
        }
        routes.onPublic(.post, "/api/shell-auth/verify-key", use: verify)
        routes.onPublic(.post, "/api/shell-auth/verify-public-key", use: verify)
        routes.onPublic(.post, "/api/shell-auth/api-keys") { request, _ in
            let body = try await bodies.json(ShellAuthKeyRequest.self, of: request, limit: Self.maximumBodyBytes)
            // Clients take nothing but 200 for a success.
            return try .json(try await accounts.createKey(body))
        }
    }

    /// Clients ask again for as long as the answer is 401.
    private func verify(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await bodies.json(VerifyKeyRequest.self, of: request, limit: Self.maximumBodyBytes)
        do {
            return try .json(try await accounts.verifyRegistration(body))
        } catch let error as VersError where error.code == .unauthenticated {
            return try .json(NotVerifiedBody(ErrorBody(error)), status: .unauthorized)
        }
    }
}

/// The error envelope in the shape that clients of `verify-key` expect.
private struct NotVerifiedBody: Encodable {
    let verified = false
    let is_active = false
    let reason: String
    let error: String
    let success = false
    let code: ErrorCode
    let hint: String?

    init(_ body: ErrorBody) {
        reason = body.error
        error = body.error
        code = body.code
        hint = body.hint
    }
}
