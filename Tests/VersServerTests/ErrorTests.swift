import APITestSupport
import Foundation
import Testing
import VersAPI

@Suite struct ErrorTests {
    private static let id = "5e0a1234-1111-4222-8333-444455556666"

    /// Method, path, body, status, code, a part of the message.
    static let refusals: [(String, String, String?, Int, String, String)] = [
        ("GET", "/nowhere", nil, 404, "not_found", "'/api/v1/nowhere'"),
        ("POST", "/vms", "{}", 405, "method_not_allowed", "GET, HEAD"),
        ("DELETE", "/vm/from_commit", nil, 405, "method_not_allowed", "expected POST"),
        ("PUT", "/commits/public", nil, 405, "method_not_allowed", "expected GET, HEAD"),
        ("GET", "/vm/xyz/status", nil, 400, "invalid_argument", "vm_id 'xyz': expected a UUID"),
        ("GET", "/vm/branch/status", nil, 400, "invalid_argument", "vm_id 'branch'"),
        ("GET", "/commits/x%20y", nil, 400, "invalid_argument", "commit_id 'x y'"),
        ("POST", "/vm/x%2Fy/branch", nil, 400, "invalid_argument", "vm_or_commit_id 'x/y'"),
        ("POST", "/vm/xyz/branch", nil, 404, "not_found", "tag not found: 'xyz'"),
        ("POST", "/vm/branch/by_tag/-x", nil, 400, "invalid_argument", "invalid tag name '-x'"),
        ("POST", "/vm/branch/by_ref/images/v9", nil, 404, "not_found", "tag not found: 'images:v9'"),
        ("GET", "/commit_tags/a%20b", nil, 400, "invalid_argument", "invalid tag name 'a b'"),
        ("GET", "/commit_tags/%ff", nil, 400, "invalid_argument", "expected UTF-8"),
        ("GET", "/repositories/none", nil, 404, "not_found", "repository not found: 'none'"),
        ("DELETE", "/vm/\(id)/label/a%2Fb", nil, 400, "invalid_argument", "invalid label name 'a/b'"),
        ("DELETE", "/env_vars/1A", nil, 400, "invalid_argument", "invalid variable name '1A'"),
        ("DELETE", "/env_vars/NONE", nil, 404, "not_found", "'NONE'"),
        ("GET", "/domains?vm_id=x", nil, 400, "invalid_argument", "vm_id 'x': expected a UUID"),
        ("GET", "/domains/x", nil, 400, "invalid_argument", "domain_id 'x': expected a UUID"),
        ("POST", "/vm/\(id)/branch", nil, 404, "not_found", "commit not found"),
        (
            "POST", "/vm/branch/by_vm/\(id)?count=0", nil, 400, "invalid_argument",
            "count '0': expected an integer from 1"
        ),
        ("POST", "/vm/branch/by_vm/\(id)?count=1001", nil, 400, "invalid_argument", "to 1000"),
        ("POST", "/vm/branch/by_vm/\(id)?count=two", nil, 400, "invalid_argument", "count 'two'"),
        ("POST", "/vm/branch/by_vm/\(id)?count=99999999999999999999", nil, 400, "invalid_argument", "99999999999999"),
        ("POST", "/vm/branch/by_vm/\(id)?keep_paused=yes", nil, 400, "invalid_argument", "keep_paused 'yes'"),
        ("GET", "/commits?limit=101", nil, 400, "invalid_argument", "limit '101': expected an integer from 1 to 100"),
        ("GET", "/vm/\(id)/console?offset=-1", nil, 400, "invalid_argument", "offset '-1'"),
        ("GET", "/vm/\(id)/logs?stream=both", nil, 400, "invalid_argument", "stream 'both'"),
        ("GET", "/vm/\(id)/files?path=etc", nil, 400, "invalid_argument", "'etc': expected an absolute path"),
        ("GET", "/vm/\(id)/files", nil, 400, "invalid_argument", "expected an absolute path"),
        ("POST", "/vm/new_root", "not json", 400, "invalid_body", "not JSON"),
        ("POST", "/vm/new_root", "", 400, "invalid_body", "no body"),
        ("POST", "/vm/new_root", "{}", 422, "invalid_field", "missing field 'vm_config'"),
        ("POST", "/vm/new_root", "[]", 422, "invalid_field", "expected an object"),
        (
            "POST", "/vm/new_root", #"{"vm_config":{"mem_size_mib":"big"}}"#, 422, "invalid_field",
            "'vm_config.mem_size_mib' has the wrong type: expected an integer"
        ),
        (
            "POST", "/vm/new_root", #"{"vm_config":{"mem_size_mib":99999999999999999999}}"#, 422, "invalid_field",
            "1e+20"
        ),
        ("POST", "/vm/from_commit", "{}", 400, "invalid_body", "names 0 sources"),
        ("POST", "/vm/from_commit", #"{"commit_id":"\#(id)","ref":"a:b"}"#, 400, "invalid_body", "names 2 sources"),
        ("POST", "/vm/from_commit", #"{"commit_id":"a b"}"#, 422, "invalid_field", "'a b': expected a UUID"),
        ("POST", "/vm/from_commit", #"{"commit_id":"abc"}"#, 404, "not_found", "tag not found: 'abc'"),
        ("POST", "/vm/from_commit", #"{"tag_name":"t"}"#, 404, "not_found", "tag not found: 't'"),
        ("POST", "/vm/from_commit", #"{"tag_name":"a:b"}"#, 400, "invalid_argument", "invalid tag name 'a:b'"),
        ("POST", "/vm/from_commit", #"{"ref":"b"}"#, 400, "invalid_argument", "expected repo_name:tag_name"),
        ("POST", "/commit_tags", #"{"tag_name":"t","commit_id":"x"}"#, 422, "invalid_field", "'commit_id'"),
        ("POST", "/commit_tags", #"{"tag_name":"t"}"#, 422, "invalid_field", "missing field 'commit_id'"),
        ("PATCH", "/commit_tags/t", #"{"description":3}"#, 422, "invalid_field", "'description'"),
        ("PATCH", "/repositories/r/visibility", "{}", 422, "invalid_field", "missing field 'is_public'"),
        ("PUT", "/env_vars", #"{"vars":{"A":1}}"#, 422, "invalid_field", "'vars.A'"),
        ("PUT", "/vm/\(id)/labels", "{}", 422, "invalid_field", "missing field 'labels'"),
        ("PATCH", "/vm/\(id)/state", #"{"state":"running"}"#, 422, "invalid_field", "expected one of Running, Paused"),
        ("PATCH", "/vm/\(id)/disk", #"{"fs_size_mib":1.5}"#, 422, "invalid_field", "1.5"),
        ("POST", "/vm/\(id)/exec", #"{"command":[]}"#, 400, "invalid_argument", "command is empty"),
        (
            "POST", "/vm/\(id)/exec", #"{"command":"ls"}"#, 422, "invalid_field",
            "'command' has the wrong type: expected an array"
        ),
        ("POST", "/vm/\(id)/exec", #"{"command":["a\u0000b"]}"#, 400, "invalid_argument", "NUL"),
        ("POST", "/vm/\(id)/exec", #"{"command":["a"],"timeout_secs":-1}"#, 422, "invalid_field", "-1"),
        ("POST", "/vm/\(id)/exec", #"{"command":["a"],"env":{"A=B":"c"}}"#, 400, "invalid_argument", "'A=B'"),
        ("POST", "/vm/\(id)/exec/\(id)/signal", #"{"signal":65}"#, 400, "invalid_argument", "65: expected 1 to 64"),
        ("POST", "/vm/\(id)/exec/\(id)/resize", #"{"columns":0,"rows":24}"#, 400, "invalid_argument", "0x24"),
        ("POST", "/vm/\(id)/exec/\(id)/resize", #"{"columns":70000,"rows":24}"#, 422, "invalid_field", "70000"),
        ("PUT", "/vm/\(id)/files", #"{"path":"/a","content_b64":"?"}"#, 422, "invalid_field", "base64"),
        (
            "PUT", "/vm/\(id)/files", #"{"path":"/a","content_b64":"","mode":4096}"#, 400, "invalid_argument",
            "mode 4096"
        ),
    ]

    @Test func badInputIsRefusedWithTheValueAndTheLimit() async throws {
        try await ServerFixture.run { server in
            for (method, path, body, status, code, part) in Self.refusals {
                let answer = try await RawHTTP.send(method, "/api/v1" + path, body: body, to: server.socket)
                let name = "\(method) \(path) \(body ?? ""): \(answer.body)"
                #expect(answer.status == status, "\(name)")
                #expect(answer.headers["content-type"] == "application/json", "\(name)")
                let error = try JSONCoding.decode(ErrorBody.self, from: Data(answer.body.utf8))
                #expect(error.code.rawValue == code, "\(name)")
                #expect(!error.success, "\(name)")
                #expect(error.error.contains(part), "\(name)")
                #expect(!error.error.hasSuffix("."), "\(name)")
            }
            // Nothing but the look-up of the polymorphic branch got through.
            #expect(server.domain.recorded == ["source \(Self.id)"])
        }
    }

    @Test func aWrongMethodNamesTheRightOnes() async throws {
        try await ServerFixture.run { server in
            let answer = try await RawHTTP.send("GET", "/api/v1/vm/\(Self.id)/state", to: server.socket)
            #expect(answer.status == 405)
            #expect(answer.headers["allow"] == "PATCH")
        }
    }

    @Test func typedBranchRoutesAnswerInTheShapeOfTheirSuccess() async throws {
        try await ServerFixture.run { server in
            for path in ["by_vm", "by_commit"] {
                server.domain.fail(with: [VersError(.notFound, "parent vm not found")])
                let answer = try await RawHTTP.send("POST", "/api/v1/vm/branch/\(path)/\(Self.id)", to: server.socket)
                #expect(answer.status == 404)
                #expect(
                    answer.body
                        == #"{"code":"not_found","error":"parent vm not found","success":false,"vms":[]}"#
                )
            }
        }
    }

    @Test func anUnknownErrorIsNotShown() async throws {
        struct Secret: Error { var detail = "password" }
        try await ServerFixture.run { server in
            server.domain.fail(with: [Secret()])
            let answer = try await RawHTTP.send("POST", "/api/v1/vm/\(Self.id)/commit", to: server.socket)
            #expect(answer.status == 500)
            let error = try JSONCoding.decode(ErrorBody.self, from: Data(answer.body.utf8))
            #expect(error.code == .internal)
            #expect(!answer.body.contains("password"))
            let requestID = try #require(answer.headers["x-request-id"])
            #expect(error.hint?.contains(requestID) == true)
        }
    }

    @Test(arguments: [
        [:], ["Authorization": "Bearer wrong"], ["Authorization": "Basic abc"], ["Authorization": "Bearer"],
    ])
    func withoutAGoodKeyNothingIsDone(headers: [String: String]) async throws {
        try await ServerFixture.run { server in
            let answer = try await RawHTTP.send("GET", "/api/v1/vms", headers: headers, to: server.socket)
            #expect(answer.status == 401)
            #expect(answer.headers["www-authenticate"] == #"Bearer realm="vers""#)
            #expect(answer.body.contains(#""code":"unauthenticated""#))
            #expect(server.domain.recorded.isEmpty)
        }
    }

    @Test func theSchemeIsNotCaseSensitive() async throws {
        try await ServerFixture.run { server in
            let headers = ["Authorization": "bearer \(DomainDouble.key)"]
            let answer = try await RawHTTP.send("GET", "/api/v1/vms", headers: headers, to: server.socket)
            #expect(answer.status == 200)
        }
    }
}
