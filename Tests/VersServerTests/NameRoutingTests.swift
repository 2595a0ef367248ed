import APITestSupport
import Foundation
import Testing
import VersAPI
import VersClient

@Suite struct NameRoutingTests {
    /// Method, path below /api/v1 (V, C and D stand for the ids of VM, commit and domain), body, status, recorded call.
    static let routes: [(String, String, String?, Int, String)] = [
        ("PUT", "/vm/V/labels", #"{"labels":{"a":"b"}}"#, 200, #"replace labels V ["a": "b"]"#),
        ("DELETE", "/vm/V/label/role", nil, 200, "remove label V role"),
        ("GET", "/commit_tags", nil, 200, "tags"),
        ("POST", "/commit_tags", #"{"tag_name":"t","commit_id":"C"}"#, 201, "create tag t C -"),
        ("GET", "/commit_tags/golden", nil, 200, "tag golden"),
        ("PATCH", "/commit_tags/t", #"{"commit_id":"C"}"#, 204, "edit tag t C keep"),
        ("PATCH", "/commit_tags/t", #"{"description":null}"#, 204, "edit tag t - clear"),
        ("PATCH", "/commit_tags/t", #"{"description":"d"}"#, 204, #"edit tag t - set("d")"#),
        ("DELETE", "/commit_tags/t", nil, 204, "delete tag t"),
        ("GET", "/repositories", nil, 200, "repositories"),
        ("POST", "/repositories", #"{"name":"r","description":"d"}"#, 201, "create repository r d"),
        (
            "POST", "/repositories/fork", #"{"source_org":"o","source_repo":"r","source_tag":"t","tag_name":"x"}"#, 201,
            "fork o/r:t - x"
        ),
        ("GET", "/repositories/images", nil, 200, "repository images"),
        ("DELETE", "/repositories/r", nil, 204, "delete repository r"),
        ("PATCH", "/repositories/r/visibility", #"{"is_public":true}"#, 204, "visibility r true"),
        ("GET", "/repositories/images/tags", nil, 200, "tags of images"),
        ("POST", "/repositories/r/tags", #"{"tag_name":"t","commit_id":"C"}"#, 201, "create tag r:t C"),
        ("GET", "/repositories/images/tags/v1", nil, 200, "tag images:v1"),
        ("PATCH", "/repositories/r/tags/t", #"{"commit_id":"C","description":"d"}"#, 204, #"edit tag r:t C set("d")"#),
        ("DELETE", "/repositories/r/tags/t", nil, 204, "delete tag r:t"),
        ("GET", "/env_vars", nil, 200, "variables"),
        ("PUT", "/env_vars", #"{"vars":{"A":"1"},"replace":true}"#, 200, #"set variables ["A=1"] true"#),
        ("DELETE", "/env_vars/A", nil, 204, "delete variable A"),
        ("GET", "/domains", nil, 200, "domains -"),
        ("GET", "/domains?vm_id=V", nil, 200, "domains V"),
        ("POST", "/domains", #"{"domain":"a.example","vm_id":"V"}"#, 201, "create domain a.example V"),
        ("GET", "/domains/D", nil, 200, "domain D"),
        ("DELETE", "/domains/D", nil, 200, "delete domain D"),
        ("POST", "/vm/from_commit", #"{"commit_id":"golden"}"#, 201, "resolve golden"),
        ("POST", "/vm/from_commit", #"{"commit_id":"images:v1"}"#, 201, "resolve images:v1"),
        ("POST", "/vm/from_commit", #"{"tag_name":"golden"}"#, 201, "resolve golden"),
        ("POST", "/vm/from_commit", #"{"ref":"acme/images:v1"}"#, 201, "resolve acme/images:v1"),
        ("POST", "/vm/golden/branch?count=2", nil, 201, "resolve golden"),
        ("POST", "/vm/images:v1/branch", nil, 201, "resolve images:v1"),
        ("POST", "/vm/acme%2Fimages%3Av1/branch", nil, 201, "resolve acme/images:v1"),
        ("POST", "/vm/branch/by_tag/golden", "{}", 201, "resolve golden"),
        ("POST", "/vm/branch/by_ref/images/v1", "{}", 201, "resolve images:v1"),
    ]

    private static func filled(_ text: String, _ server: ServerFixture) -> String {
        text.replacing(#/\bV\b/#, with: server.domain.machine.text)
            .replacing(#/\bC\b/#, with: server.domain.commit.text)
            .replacing(#/\bD\b/#, with: server.names.domain.text)
    }

    @Test func everyRouteReachesItsOperation() async throws {
        try await ServerFixture.run { server in
            for (method, path, body, status, call) in Self.routes {
                let answer = try await RawHTTP.send(
                    method,
                    "/api/v1" + Self.filled(path, server),
                    body: body.map { Self.filled($0, server) },
                    to: server.socket
                )
                #expect(answer.status == status, "\(method) \(path): \(answer.body)")
                #expect(server.names.recorded.last == Self.filled(call, server), "\(method) \(path)")
                if status == 204 { #expect(answer.body.isEmpty) }
            }
        }
    }

    @Test func whatATagNamesIsStartedAndBranched() async throws {
        try await ServerFixture.run { server in
            _ = try await server.client.createMachine(from: .tag("golden"))
            #expect(server.domain.recorded.last == "create from \(server.domain.commit)")
            #expect(try await server.client.branch(tag: "v1", ofRepository: "images", count: 3).count == 3)
            let call = try #require(server.domain.recorded.last)
            #expect(call.hasPrefix("branch commit(") && call.contains(" 3 false false"))
        }
    }

    @Test func publicRepositoriesNeedNoKeyAndOthersDo() async throws {
        try await ServerFixture.run { server in
            for path in ["", "/acme/images", "/acme/images/tags", "/acme/images/tags/v1"] {
                let answer = try await RawHTTP.send(
                    "GET",
                    "/api/v1/public/repositories\(path)",
                    headers: [:],
                    to: server.socket
                )
                #expect(answer.status == 200, "\(path): \(answer.body)")
            }
            for path in ["/repositories", "/commit_tags", "/env_vars", "/domains"] {
                let answer = try await RawHTTP.send("GET", "/api/v1\(path)", headers: [:], to: server.socket)
                #expect(answer.status == 401)
            }
        }
    }

    @Test func fieldsWithoutAValueAreNull() async throws {
        try await ServerFixture.run { server in
            for path in ["/commit_tags/golden", "/repositories/images", "/repositories/images/tags/v1"] {
                let answer = try await RawHTTP.send("GET", "/api/v1\(path)", to: server.socket)
                #expect(answer.body.contains(#""description":null"#), "\(answer.body)")
            }
        }
    }

    @Test func theClientEncodesWhatItPutsIntoAPath() async throws {
        try await ServerFixture.run { server in
            let error = await #expect(throws: VersError.self) { try await server.client.deleteTag("a/../b") }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("'a/../b'") == true)
        }
    }
}
