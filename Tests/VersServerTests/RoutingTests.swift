import APITestSupport
import Foundation
import Testing
import VersAPI

@Suite struct RoutingTests {
    /// Method, path below /api/v1 (V and C stand for the VM's and the commit's id), body, status, recorded call.
    static let routes: [(String, String, String?, Int, String)] = [
        ("GET", "/vms", nil, 200, "list"),
        ("GET", "/vm", nil, 200, "list"),
        ("POST", "/vm/new_root?wait_boot=true", #"{"vm_config":{"mem_size_mib":128,"x":1}}"#, 201, "create 128 O true"),
        ("POST", "/vm/new_root", #"{"vm_config":{}}"#, 201, "create 0 O false"),
        ("POST", "/vm/from_commit", #"{"commit_id":"C"}"#, 201, "create from C"),
        ("GET", "/vm/V/status", nil, 200, "summary V"),
        ("GET", "/vm/V/metadata", nil, 200, "metadata V"),
        ("GET", "/vm/V/ssh_key", nil, 200, "ssh key V"),
        ("PATCH", "/vm/V/state", #"{"state":"Paused"}"#, 200, "state V paused false"),
        ("PATCH", "/vm/V/state?skip_wait_boot=1", #"{"state":"Sleeping"}"#, 200, "state V sleeping true"),
        ("PATCH", "/vm/V/wake", #"{"wake_on_traffic":true}"#, 200, "wake V true"),
        ("PATCH", "/vm/V/disk", #"{"fs_size_mib":2048}"#, 200, "resize V 2048"),
        ("PATCH", "/vm/V/label", #"{"labels":{"a":"b"}}"#, 200, #"labels V ["a": "b"]"#),
        ("PATCH", "/vm/V/label", "", 200, "labels V [:]"),
        ("POST", "/vm/V/commit", nil, 201, "commit V - false"),
        ("POST", "/vm/V/commit", "null", 201, "commit V - false"),
        ("POST", "/vm/V/commit?keep_paused=true", #"{"name":"n"}"#, 201, "commit V n true"),
        ("DELETE", "/vm/V?recursive=true", nil, 200, "delete V true false"),
        ("POST", "/vm/branch/by_vm/V?count=2&keep_paused=true", nil, 201, "branch machine(V) 2 true false"),
        ("POST", "/vm/branch/by_commit/C", "{}", 201, "branch commit(C) 1 false false"),
        ("POST", "/vm/V/branch", "null", 201, "branch machine(V) 1 false false"),
        ("POST", "/vm/C/branch?count=1000", nil, 201, "branch commit(C) 1000 false false"),
        ("GET", "/vm/V/console?offset=4&limit=9", nil, 200, "console V 4 9"),
        ("GET", "/commits", nil, 200, "commits 50 0"),
        ("GET", "/commits?limit=100&offset=7", nil, 200, "commits 100 7"),
        ("GET", "/commits/public", nil, 200, "public commits 50 0"),
        ("GET", "/commits/C", nil, 200, "commit info C"),
        ("PATCH", "/commits/C", #"{"is_public":true}"#, 200, "edit C true"),
        ("DELETE", "/commits/C", nil, 204, "delete commit C"),
        ("GET", "/vm/commits/C/parents", nil, 200, "history C"),
    ]

    @Test func everyRouteReachesItsOperation() async throws {
        try await ServerFixture.run { server in
            let (machine, commit) = (server.domain.machine.text, server.domain.commit.text)
            func filled(_ text: String) -> String {
                text.replacing(#/\bV\b/#, with: machine).replacing(#/\bC\b/#, with: commit)
                    .replacing(#/\bO\b/#, with: DomainDouble.owner.text)
            }
            for (method, path, body, status, call) in Self.routes {
                let answer = try await RawHTTP.send(
                    method,
                    "/api/v1" + filled(path),
                    body: body.map(filled),
                    to: server.socket
                )
                #expect(answer.status == status, "\(method) \(path): \(answer.body)")
                let recorded = server.domain.recorded.last?.replacing(#/ID\(text: "([^"]*)"\)/#) {
                    "ID(\($0.output.1))"
                }
                #expect(recorded == filled(call), "\(method) \(path)")
                #expect(answer.headers["x-request-id"]?.count == 36)
                if status == 204 { #expect(answer.body.isEmpty) }
            }
        }
    }

    @Test func updatesAnswerAnEmptyObject() async throws {
        try await ServerFixture.run { server in
            let path = "/api/v1/vm/\(server.domain.machine)/state"
            let answer = try await RawHTTP.send("PATCH", path, body: #"{"state":"Running"}"#, to: server.socket)
            #expect(answer.body == "{}")
            #expect(answer.headers["content-type"] == "application/json")
        }
    }

    @Test func metadataHasNullsAndMicroseconds() async throws {
        try await ServerFixture.run { server in
            let path = "/api/v1/vm/\(server.domain.machine)/metadata"
            let answer = try await RawHTTP.send("GET", path, to: server.socket)
            #expect(answer.body.contains(#""deleted_at":null"#))
            #expect(answer.body.contains(#""created_at":"2026-05-01T10:00:00.123456Z""#))
        }
    }

    @Test func versionAndHealthNeedNoKey() async throws {
        try await ServerFixture.run { server in
            let version = try await RawHTTP.send("GET", "/api/v1/system/version", headers: [:], to: server.socket)
            #expect(version.body == #"{"executable_name":"versd","git_hash":"abc","workspace_version":"0.0.1"}"#)
            let answer = try await RawHTTP.send("GET", "/health", headers: [:], to: server.socket)
            let health = try JSONCoding.decode(HealthResponse.self, from: Data(answer.body.utf8))
            #expect(health.http.requests_total == 2)
            #expect(health.http.requests_active == 1)
            #expect(health.http.connections_total == 2)
        }
    }

    @Test func headAnswersLikeGetWithoutABody() async throws {
        try await ServerFixture.run { server in
            let answer = try await RawHTTP.send("HEAD", "/api/v1/vms", to: server.socket)
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
        }
    }
}
