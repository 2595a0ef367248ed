import HTTPTypes
import Hummingbird
import VersAPI

/// Turns the bearer key into the principal in the context.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let keys: any KeyAuthenticating

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: @concurrent (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let key = Self.bearerKey(request.headers[.authorization]) else {
            throw Self.challenge(
                VersError(
                    .unauthenticated,
                    "the API key is missing: expected 'Authorization: Bearer <key>'",
                    hint: "the owner's key is in the file owner.key of the instance's directory"
                )
            )
        }
        var context = context
        do {
            context.principal = try await keys.authenticate(key)
            context.bearerKey = key
        } catch let error as VersError where error.code == .unauthenticated {
            throw Self.challenge(error)
        }
        return try await next(request, context)
    }

    private static func bearerKey(_ header: String?) -> String? {
        guard let header else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    private static func challenge(_ error: VersError) -> RequestFailure {
        RequestFailure(error, headers: [.wwwAuthenticate: #"Bearer realm="vers""#])
    }
}
