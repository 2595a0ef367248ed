import Hummingbird

/// Every route's method and pattern, to tell a wrong method (405, with `Allow`) from a wrong path (404).
struct RouteTable: Sendable {
    private struct Route {
        var method: HTTPRequest.Method
        var segments: [Substring]
    }

    private let routes: [Route]

    init(_ list: RouteList) {
        routes = list.routes.map { Route(method: $0.method, segments: $0.pattern.split(separator: "/")) }
    }

    /// The methods that exist at `path`, sorted; empty when the path does not exist.
    ///
    /// As in the router, a segment that a route names goes before a capture, from the left: at `/vm/new_root` there is no
    /// `DELETE /vm/:id`.
    func methods(at path: String) -> [String] {
        var matching = routes
        let segments = path.split(separator: "/")
        matching.removeAll { !Self.matches(segments, $0.segments) }
        for index in segments.indices where matching.contains(where: { $0.segments[index] == segments[index] }) {
            matching.removeAll { $0.segments[index] != segments[index] }
        }
        var methods: Set<String> = []
        for route in matching {
            methods.insert(route.method.rawValue)
            if route.method == .get { methods.insert(HTTPRequest.Method.head.rawValue) }
        }
        return methods.sorted()
    }

    private static func matches(_ path: [Substring], _ pattern: [Substring]) -> Bool {
        path.count == pattern.count
            && zip(path, pattern).allSatisfy { $1.hasPrefix(":") || $0 == $1 }
    }
}
