import HTTPTypes
import Hummingbird
import NIOCore
import VersAPI

/// The API's own description: for programs, and for people. Needs no key.
struct DocumentRoutes: Sendable {
    let version: String

    private static let places: [RouteList.Place] = [
        RouteList.Place(method: "GET", pattern: "/openapi.json", needsKey: false),
        RouteList.Place(method: "GET", pattern: "/docs", needsKey: false),
    ]

    /// Describes every route that was registered before, and its own.
    func register(on routes: inout RouteList) {
        let document = APIDocument(routes: routes.places + Self.places, version: version)
        let value = document.value
        let page = ByteBuffer(string: DocumentPage(document: document, version: version).html)
        routes.onPublic(.get, "/openapi.json") { _, _ in try .json(value) }
        routes.onPublic(.get, "/docs") { _, _ in
            Response(
                status: .ok,
                headers: [
                    .contentType: "text/html; charset=utf-8",
                    .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
                ],
                body: ResponseBody(byteBuffer: page)
            )
        }
    }
}
