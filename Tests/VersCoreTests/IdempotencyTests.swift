import APITestSupport
import Foundation
import MetadataStore
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

/// Requests that are sent again with one idempotency key, against the real services and database.
struct IdempotencyTests {
    private static let body = #"{"vm_config":{"mem_size_mib":128}}"#
    private static let newRoot = "/api/v1/vm/new_root?wait_boot=true"

    @Test func `a repetition gets the same answer, and nothing is done again`() async throws {
        try await TestDomain.run { test in
            let key = try await test.administrator().key
            try await TestServer.run(test) { server in
                let name = ["X-Idempotency-Key": "one"]
                let first = try await server.send("POST", Self.newRoot, body: Self.body, key: key, headers: name)
                let second = try await server.send("POST", Self.newRoot, body: Self.body, key: key, headers: name)
                #expect(first.status == 201 && second.status == 201)
                #expect(first.body == second.body)
                #expect(first.headers["x-idempotent-replayed"] == nil)
                #expect(second.headers["x-idempotent-replayed"] == "true")
                #expect(first.headers["x-request-id"] != second.headers["x-request-id"])
                #expect(try await test.machines.list().count == 1)
            }
            // The next daemon knows it too.
            try await TestServer.run(test) { server in
                let name = ["X-Idempotency-Key": "one"]
                let third = try await server.send("POST", Self.newRoot, body: Self.body, key: key, headers: name)
                #expect(third.status == 201 && third.headers["x-idempotent-replayed"] == "true")
                #expect(try await test.machines.list().count == 1)
            }
        }
    }

    @Test func `another request under the same name is refused, and another key has names of its own`() async throws {
        try await TestDomain.run { test in
            let (key, other) = (try await test.administrator().key, try await test.administrator().key)
            try await TestServer.run(test) { server in
                let name = ["X-Idempotency-Key": "one"]
                _ = try await server.send("POST", Self.newRoot, body: Self.body, key: key, headers: name)
                let different: [(String, String, String?)] = [
                    ("POST", Self.newRoot, #"{"vm_config":{"mem_size_mib":256}}"#),
                    ("POST", "/api/v1/vm/new_root", Self.body), ("PATCH", "/api/v1/vm/\(MachineID())/label", nil),
                ]
                for (method, path, body) in different {
                    let answer = try await server.send(method, path, body: body, key: key, headers: name)
                    #expect(answer.status == 422, "\(answer.body)")
                    #expect(answer.body.contains("idempotency_key_reused"))
                }
                let theirs = try await server.send("POST", Self.newRoot, body: Self.body, key: other, headers: name)
                #expect(theirs.status == 201)
                #expect(try await test.machines.list().count == 2)
            }
        }
    }

    @Test(arguments: ["", "with space", String(repeating: "x", count: 256)])
    func `a malformed name is refused`(name: String) async throws {
        try await TestDomain.run { test in
            let key = try await test.administrator().key
            try await TestServer.run(test) { server in
                let headers = ["X-Idempotency-Key": name]
                let answer = try await server.send("POST", Self.newRoot, body: Self.body, key: key, headers: headers)
                #expect(answer.status == 400 && answer.body.contains("invalid_argument"), "\(answer.body)")
                #expect(try await test.machines.list().isEmpty)
            }
        }
    }

    @Test func `a refusal is repeated, a failure is tried again`() async throws {
        try await TestDomain.run { test in
            let key = try await test.administrator().key
            try await TestServer.run(test) { server in
                func create(_ name: String, _ body: String) async throws -> RawHTTP.Answer {
                    try await server.send(
                        "POST",
                        Self.newRoot,
                        body: body,
                        key: key,
                        headers: ["X-Idempotency-Key": name]
                    )
                }
                let wrong = #"{"vm_config":{"mem_size_mib":1}}"#
                let (refused, again) = (try await create("refused", wrong), try await create("refused", wrong))
                #expect(refused.status == 400 && again.status == 400 && refused.body == again.body)
                #expect(again.headers["x-idempotent-replayed"] == "true")
                test.host.set(disk: 0)
                #expect(try await create("full", Self.body).status == 507)
                test.host.set(disk: 8192)
                #expect(try await create("full", Self.body).status == 201)
                #expect(try await test.machines.list().count == 1)
            }
        }
    }

    @Test func `of two at once the second waits for the first one's answer`() async throws {
        try await TestDomain.run { test in
            let service = test.idempotency
            let request = IdempotencyService.Request(
                key: try IdempotencyKey(keyID: KeyID(), text: "x"),
                fingerprint: [1],
                secret: "s"
            )
            let (entered, released) = (Latch(), Latch())
            let count = Shared(0)
            let answer = StoredAnswer(status: 201, headers: [:], body: [7])
            async let first = service.answer(request) { _ in
                count.change { $0 += 1 }
                entered.open()
                await released.wait()
                return .final(answer)
            }
            await entered.wait()
            async let second = service.answer(request) { _ in
                count.change { $0 += 1 }
                return .final(StoredAnswer(status: 500, headers: [:], body: []))
            }
            released.open()
            let (one, two) = (try await first, try await second)
            #expect(one.answer == answer && two.answer == answer)
            #expect(!one.isReplayed && two.isReplayed)
            #expect(count.current == 1)
        }
    }

    /// Works on a named request as a daemon that is killed before it can keep the answer.
    private func cutOff(
        _ test: TestDomain,
        _ method: String,
        _ path: String,
        _ body: String,
        key: String,
        _ operation: (Principal) async throws -> Void
    ) async throws {
        let principal = try await test.keys.authenticate(key)
        let dead = try SQLiteMetadataStore(path: test.layout.database)
        let name = try IdempotencyKey(keyID: principal.keyID, text: "cut-off")
        let parts = [method, path, body].map { Array($0.utf8) }
        let claim = try await dead.claim(
            name,
            fingerprint: Data(test.idempotency.fingerprint(of: parts)),
            at: Date(),
            droppingOlderThan: Date(timeIntervalSince1970: 0),
            limit: 10
        )
        #expect(claim == .begun)
        try await IdempotencyKey.$current.withValue(name) { try await operation(principal) }
        try dead.close()
    }

    private static let name = ["X-Idempotency-Key": "cut-off"]

    @Test func `a VM that was made before the daemon was killed is the repetition's answer`() async throws {
        try await TestDomain.run { test in
            let key = try await test.administrator().key
            let made = Shared<MachineID?>(nil)
            try await cutOff(test, "POST", Self.newRoot, Self.body, key: key) { principal in
                let id = try await test.create(for: principal)
                made.change { $0 = id }
            }
            try await TestServer.run(test) { server in
                for _ in 0..<2 {
                    let answer = try await server.send(
                        "POST",
                        Self.newRoot,
                        body: Self.body,
                        key: key,
                        headers: Self.name
                    )
                    #expect(answer.status == 201)
                    let id = try JSONCoding.decode(NewMachineResponse.self, from: Data(answer.body.utf8)).vm_id
                    #expect(id == made.current)
                }
                #expect(try await test.machines.list().count == 1)
            }
        }
    }

    @Test func `what was cut off before it made anything is done by the repetition`() async throws {
        try await TestDomain.run { test in
            let key = try await test.administrator().key
            try await cutOff(test, "POST", Self.newRoot, Self.body, key: key) { _ in }
            try await TestServer.run(test) { server in
                let answer = try await server.send("POST", Self.newRoot, body: Self.body, key: key, headers: Self.name)
                #expect(answer.status == 201)
                #expect(try await test.machines.list().count == 1)
            }
        }
    }

    @Test func `children and commits that were made before the daemon was killed are the answer`() async throws {
        try await TestDomain.run { test in
            let (key, principal) = try await test.administrator()
            let parent = try await test.create(for: principal)
            let branch = "/api/v1/vm/branch/by_vm/\(parent)?count=2"
            try await cutOff(test, "POST", branch, "", key: key) { principal in
                _ = try await test.machines.branch(.machine(parent), count: 2, options: .init(), for: principal)
            }
            try await TestServer.run(test) { server in
                let answer = try await server.send("POST", branch, key: key, headers: Self.name)
                let ids = try JSONCoding.decode(NewMachinesResponse.self, from: Data(answer.body.utf8)).vms.map(\.vm_id)
                #expect(answer.status == 201 && ids.count == 2)
                #expect(Set(try await test.machines.list().map(\.vm_id)) == Set(ids + [parent]))
            }
            let other = try await test.administrator().key
            let commit = "/api/v1/vm/\(parent)/commit"
            try await cutOff(test, "POST", commit, "", key: other) { principal in
                _ = try await test.machines.commit(parent, request: .init(), options: .init(), for: principal)
            }
            try await TestServer.run(test) { server in
                let answer = try await server.send("POST", commit, key: other, headers: Self.name)
                #expect(answer.status == 201)
                let listed = try await test.commits.list(limit: 10, offset: 0).commits.map(\.commit_id)
                #expect(listed.count == 1 && answer.body.contains(listed[0].text))
            }
        }
    }

    @Test func `of what may or may not have been done the repetition says so`() async throws {
        try await TestDomain.run { test in
            let (key, principal) = try await test.administrator()
            let machine = try await test.create(for: principal)
            try await cutOff(test, "DELETE", "/api/v1/vm/\(machine)", "", key: key) { _ in }
            try await TestServer.run(test) { server in
                for _ in 0..<2 {
                    let answer = try await server.send(
                        "DELETE",
                        "/api/v1/vm/\(machine)",
                        key: key,
                        headers: Self.name
                    )
                    #expect(answer.status == 409 && answer.body.contains(#""code":"interrupted""#), "\(answer.body)")
                }
                #expect(try await test.machines.list().count == 1)
            }
        }
    }

    @Test func `a created key's text is in no file, and the answer is the same again`() async throws {
        try await TestDomain.run { test in
            let key = try await test.administrator().key
            try await TestServer.run(test) { server in
                let name = ["X-Idempotency-Key": "key"]
                let body = #"{"label":"ci"}"#
                let first = try await server.send("POST", "/api/v1/keys", body: body, key: key, headers: name)
                let second = try await server.send("POST", "/api/v1/keys", body: body, key: key, headers: name)
                #expect(first.status == 201 && first.body == second.body)
                let created = try JSONCoding.decode(CreatedKeyResponse.self, from: Data(first.body.utf8)).api_key
                let secret = Data(created.suffix(64).utf8)
                for suffix in ["", "-wal"] {
                    let file = URL(filePath: test.layout.database.string + suffix)
                    #expect(try Data(contentsOf: file).range(of: secret) == nil)
                }
                #expect(
                    try await test.accounts.listKeys(of: nil, for: try await test.keys.authenticate(key)).keys.count
                        == 2
                )
            }
        }
    }

    @Test func `answers are kept in bounded number and for a bounded time`() async throws {
        try await TestDomain.run { test in
            let store = try #require(test.domain.metadata as? SQLiteMetadataStore)
            let key = KeyID()
            func claim(_ text: String, at date: Date) async throws -> IdempotencyClaim {
                try await store.claim(
                    try IdempotencyKey(keyID: key, text: text),
                    fingerprint: Data([1]),
                    at: date,
                    droppingOlderThan: date.addingTimeInterval(-100),
                    limit: 3
                )
            }
            let start = Date(timeIntervalSince1970: 1_700_000_000)
            for number in 0..<5 {
                let date = start.addingTimeInterval(Double(number))
                #expect(try await claim("\(number)", at: date) == .begun)
                try await store.finish(try IdempotencyKey(keyID: key, text: "\(number)"), answer: Data(), at: date)
            }
            #expect(try await claim("4", at: start.addingTimeInterval(6)) == .answered(Data()))
            #expect(try await claim("0", at: start.addingTimeInterval(6)) == .begun)
            // Too old, but still worked on.
            #expect(try await claim("0", at: start.addingTimeInterval(1000)) == .interrupted(RecordedEffects()))
            #expect(try await claim("4", at: start.addingTimeInterval(1000)) == .begun)
        }
    }
}
