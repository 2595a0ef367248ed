import Hummingbird

/// The routes as data: the router and the ``RouteTable`` are both made from it.
struct RouteList {
    typealias Handler = @Sendable (Request, APIRequestContext) async throws -> Response

    struct Route {
        var method: HTTPRequest.Method
        var pattern: String
        var needsKey: Bool
        var repeatability: Repeatability
        var handler: Handler
    }

    /// A route without what it does.
    struct Place: Sendable {
        var method: String
        var pattern: String
        var needsKey: Bool
        var repeatability = Repeatability.never
    }

    private(set) var routes: [Route] = []

    var places: [Place] {
        routes.map {
            Place(
                method: $0.method.rawValue,
                pattern: $0.pattern,
                needsKey: $0.needsKey,
                repeatability: $0.repeatability
            )
        }
    }

    /// A route under `/api/v1` that needs a key. Captures are written `:id`, always under the same name at the same
    /// place, so that the router never has to choose between two.
    /// - Parameter repeatability: what becomes of a request that is sent again with one idempotency key; when nil, what
    ///   is standard for the method. A route whose bodies are larger than ``BodyReader`` reads must say `.never`.
    mutating func on(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ repeatability: Repeatability? = nil,
        use handler: @escaping Handler
    ) {
        routes.append(
            Route(
                method: method,
                pattern: "/api/v1" + path,
                needsKey: true,
                repeatability: repeatability ?? .standard(for: method),
                handler: handler
            )
        )
    }

    /// A route that everybody may ask.
    mutating func onPublic(_ method: HTTPRequest.Method, _ pattern: String, use handler: @escaping Handler) {
        routes.append(
            Route(method: method, pattern: pattern, needsKey: false, repeatability: .never, handler: handler)
        )
    }

    func add(
        to router: Router<APIRequestContext>,
        authentication: AuthenticationMiddleware,
        idempotency: IdempotentHandler
    ) {
        let authenticated = router.group().add(middleware: authentication)
        for route in routes {
            let path = RouterPath(route.pattern)
            if route.needsKey {
                let handler = idempotency.wrap(route.handler, route.repeatability)
                authenticated.on(path, method: route.method, use: handler)
            } else {
                router.on(path, method: route.method, use: route.handler)
            }
        }
    }
}
