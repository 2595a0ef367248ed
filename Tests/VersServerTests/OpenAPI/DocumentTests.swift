import APITestSupport
import Foundation
import Testing
import VersAPI

@testable import VersServer

@Suite struct DocumentTests {
    @Test func everyRouteIsDescribedAndEveryDescriptionHasARoute() async throws {
        try await ServerFixture.run { server in
            let document = APIDocument(routes: server.server.places, version: "1")
            #expect(document.undescribed == [])
            #expect(document.unrouted.filter { !AwaitedRoutes.contains($0) } == [])
        }
    }

    @Test func needsAKeyWhereTheRouteDoes() async throws {
        try await ServerFixture.run { server in
            let document = try await Self.document(server)
            for place in server.server.places {
                let operation = try #require(Self.operation(document, place.method, place.pattern))
                let security = try #require(operation["security"] as? [Any])
                #expect(security.isEmpty != place.needsKey, "\(place.method) \(place.pattern)")
                let answers = try #require(operation["responses"] as? [String: Any])
                // Signing up needs no key, and is refused like one that is wrong.
                guard !place.pattern.hasPrefix("/api/shell-auth") else { continue }
                #expect((answers["401"] != nil) == place.needsKey, "\(place.method) \(place.pattern)")
            }
        }
    }

    @Test func realAnswersHaveExactlyTheDocumentedFields() async throws {
        try await ServerFixture.run { server in
            let document = try await Self.document(server)
            let check = SchemaCheck(document: document)
            let (machine, commit) = (server.domain.machine.text, server.domain.commit.text)
            for (method, path, body, status, _) in RoutingTests.routes {
                func filled(_ text: String) -> String {
                    text.replacing(#/\bV\b/#, with: machine).replacing(#/\bC\b/#, with: commit)
                }
                let path = "/api/v1" + filled(path)
                let answer = try await RawHTTP.send(method, path, body: body.map(filled), to: server.socket)
                let bare = String(path.prefix { $0 != "?" })
                let operation = try #require(Self.operation(document, method, bare), "\(method) \(path)")
                let documented = (operation["responses"] as? [String: [String: Any]])?["\(status)"]
                #expect(documented != nil, "\(method) \(path): \(status)")
                guard !answer.body.isEmpty else { continue }
                let content = documented?["content"] as? [String: [String: Any]]
                let schema = try #require(content?["application/json"]?["schema"] as? [String: Any], "\(path)")
                let value = try JSONSerialization.jsonObject(with: Data(answer.body.utf8), options: .fragmentsAllowed)
                #expect(check.problems(of: value, in: schema) == [], "\(method) \(path)")
            }
        }
    }

    @Test func errorsHaveTheDocumentedShape() async throws {
        try await ServerFixture.run { server in
            let document = try await Self.document(server)
            let check = SchemaCheck(document: document)
            let places: [(String, String, [String: String], Int, String)] = [
                ("GET", "/api/v1/vms", [:], 401, "Error"),
                ("GET", "/api/v1/vm/x/status", ["Authorization": "Bearer \(DomainDouble.key)"], 400, "Error"),
                (
                    "POST", "/api/v1/vm/branch/by_vm/x", ["Authorization": "Bearer \(DomainDouble.key)"], 400,
                    "BranchError"
                ),
            ]
            for (method, path, headers, status, schema) in places {
                let answer = try await RawHTTP.send(method, path, headers: headers, to: server.socket)
                #expect(answer.status == status)
                let value = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
                #expect(check.problems(of: value, in: ["$ref": "#/components/schemas/\(schema)"]) == [], "\(path)")
            }
        }
    }

    @Test func everyReferenceLeadsToASchema() async throws {
        try await ServerFixture.run { server in
            let answer = try await RawHTTP.send("GET", "/openapi.json", headers: [:], to: server.socket)
            let document = try await Self.document(server)
            let schemas = (document["components"] as? [String: Any])?["schemas"] as? [String: Any] ?? [:]
            let names = Set(
                answer.body.matches(of: #/"\$ref":"#\/components\/schemas\/([A-Za-z]+)"/#).map { "\($0.output.1)" }
            )
            #expect(names.count > 10)
            #expect(names.subtracting(schemas.keys) == [])
        }
        // Of the whole description, whatever the server serves.
        let identifiers = TopicDescription.all.flatMap(\.operations).map(\.id)
        #expect(Set(identifiers).count == identifiers.count)
    }

    @Test func pageShowsEveryOperationAndLoadsNothing() async throws {
        try await ServerFixture.run { server in
            let page = try await RawHTTP.send("GET", "/docs", headers: [:], to: server.socket)
            #expect(page.status == 200)
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
            #expect(!page.body.contains("<script") && !page.body.contains("src=") && !page.body.contains("<link"))
            let document = APIDocument(routes: server.server.places, version: "1")
            for entry in document.entries.flatMap(\.entries) {
                #expect(page.body.contains("id=\"\(entry.operation.id)\""))
            }
        }
    }
}

extension DocumentTests {
    private static func document(_ server: ServerFixture) async throws -> [String: Any] {
        let answer = try await RawHTTP.send("GET", "/openapi.json", headers: [:], to: server.socket)
        #expect(answer.status == 200)
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    }

    /// The operation at a path with captures, or with values in their place; a path without captures goes first.
    private static func operation(_ document: [String: Any], _ method: String, _ path: String) -> [String: Any]? {
        let paths = document["paths"] as? [String: [String: Any]] ?? [:]
        let wanted = path.split(separator: "/")
        let matches = paths.filter { pattern, methods in
            let segments = pattern.split(separator: "/")
            return methods[method.lowercased()] != nil && segments.count == wanted.count
                && zip(segments, wanted).allSatisfy { $0 == $1 || ($0.hasPrefix("{") && !reserved.contains($1)) }
        }
        let best = matches.min { $0.key.count { $0 == "{" } < $1.key.count { $0 == "{" } }
        return best?.value[method.lowercased()] as? [String: Any]
    }

    private static let reserved: Set<Substring> = ["branch", "commits", "public", "fork"]
}
