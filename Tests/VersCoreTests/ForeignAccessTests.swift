import APITestSupport
import Foundation
import Testing
import VersAPI
import VersServer

@testable import VersCore

/// What belongs to one organisation, seen from another.
struct ForeignAccessTests {
    /// What each capture stands for, and a body for the routes that need one. A route that is not here fails the test.
    private enum Kind { case machine, commit, key, organisation, registration, domain, name, image, imageName, none }

    private static let routes: [String: (kind: Kind, body: String?)] = [
        "GET /api/v1/vm/:id/status": (.machine, nil),
        "GET /api/v1/vm/:id/metadata": (.machine, nil),
        "GET /api/v1/vm/:id/ssh_key": (.machine, nil),
        "PATCH /api/v1/vm/:id/state": (.machine, #"{"state":"Paused"}"#),
        "PATCH /api/v1/vm/:id/wake": (.machine, #"{"wake_on_traffic":true}"#),
        "PATCH /api/v1/vm/:id/disk": (.machine, #"{"fs_size_mib":4096}"#),
        "PATCH /api/v1/vm/:id/label": (.machine, #"{"labels":{"a":"b"}}"#),
        "PATCH /api/v1/vm/:id/network": (.machine, #"{"egress":"none"}"#),
        "POST /api/v1/vm/:id/commit": (.machine, nil),
        "DELETE /api/v1/vm/:id": (.machine, nil),
        "POST /api/v1/vm/:id/branch": (.machine, nil),
        "POST /api/v1/vm/branch/by_vm/:id": (.machine, nil),
        "POST /api/v1/vm/branch/by_commit/:id": (.commit, nil),
        "POST /api/v1/vm/:id/exec": (.machine, #"{"command":["true"]}"#),
        "POST /api/v1/vm/:id/exec/stream": (.machine, #"{"command":["true"]}"#),
        "POST /api/v1/vm/:id/exec/stream/attach": (.machine, #"{"exec_id":"E"}"#),
        "POST /api/v1/vm/:id/exec/:exec_id/stdin": (.machine, "x"),
        "POST /api/v1/vm/:id/exec/:exec_id/resize": (.machine, #"{"columns":80,"rows":24}"#),
        "POST /api/v1/vm/:id/exec/:exec_id/signal": (.machine, #"{"signal":15}"#),
        "GET /api/v1/vm/:id/logs": (.machine, nil),
        "GET /api/v1/vm/:id/files": (.machine, nil),
        "PUT /api/v1/vm/:id/files": (.machine, #"{"path":"/a","content_b64":""}"#),
        "GET /api/v1/vm/:id/console": (.machine, nil),
        "GET /api/v1/vm/:id/console/stream": (.machine, nil),
        "GET /api/v1/commits/:id": (.commit, nil),
        "PATCH /api/v1/commits/:id": (.commit, #"{"is_public":true}"#),
        "DELETE /api/v1/commits/:id": (.commit, nil),
        "GET /api/v1/vm/commits/:id/parents": (.commit, nil),
        "POST /api/v1/vm/from_commit": (.commit, #"{"commit_id":"ID"}"#),
        "PUT /api/v1/vm/:id/labels": (.machine, #"{"labels":{"a":"b"}}"#),
        "DELETE /api/v1/vm/:id/label/:name": (.machine, nil),
        "GET /api/v1/vm/:id/exposure": (.machine, nil),
        "PATCH /api/v1/vm/:id/exposure": (.machine, #"{"is_private":true}"#),
        "POST /api/v1/vm/:id/link": (.machine, #"{"port":80}"#),
        "POST /api/v1/domains": (.machine, #"{"domain":"more.example.com","vm_id":"ID"}"#),
        "GET /api/v1/domains/:id": (.domain, nil),
        "DELETE /api/v1/domains/:id": (.domain, nil),
        "POST /api/v1/commit_tags": (.commit, #"{"tag_name":"theirs","commit_id":"ID"}"#),
        // Tags, repositories, variables: what is called the same in every organisation.
        "GET /api/v1/commit_tags/:tag": (.name, nil),
        "PATCH /api/v1/commit_tags/:tag": (.name, #"{"description":"theirs"}"#),
        "DELETE /api/v1/commit_tags/:tag": (.name, nil),
        "POST /api/v1/vm/branch/by_tag/:tag": (.name, nil),
        "POST /api/v1/vm/branch/by_ref/:repo/:tag": (.name, nil),
        "GET /api/v1/repositories/:repo": (.name, nil),
        "DELETE /api/v1/repositories/:repo": (.name, nil),
        "PATCH /api/v1/repositories/:repo/visibility": (.name, #"{"is_public":true}"#),
        "GET /api/v1/repositories/:repo/tags": (.name, nil),
        "POST /api/v1/repositories/:repo/tags": (.name, #"{"tag_name":"theirs","commit_id":"E"}"#),
        "GET /api/v1/repositories/:repo/tags/:tag": (.name, nil),
        "PATCH /api/v1/repositories/:repo/tags/:tag": (.name, #"{"description":"theirs"}"#),
        "DELETE /api/v1/repositories/:repo/tags/:tag": (.name, nil),
        "POST /api/v1/repositories/fork": (.name, #"{"source_org":"ours","source_repo":"ID","source_tag":"ID"}"#),
        "GET /api/v1/public/repositories/:org/:repo": (.name, nil),
        "GET /api/v1/public/repositories/:org/:repo/tags": (.name, nil),
        "GET /api/v1/public/repositories/:org/:repo/tags/:tag": (.name, nil),
        "DELETE /api/v1/env_vars/:key": (.name, nil),
        "GET /api/v1/images/:name/status": (.imageName, nil),
        "DELETE /api/v1/images/images/:id": (.image, nil),
        "DELETE /api/v1/keys/:id": (.key, nil),
        "GET /api/v1/keys": (.organisation, nil),
        "POST /api/v1/keys": (.organisation, #"{"label":"theirs","org_id":"ID"}"#),
        "GET /api/v1/orgs/:id": (.organisation, nil),
        "DELETE /api/v1/orgs/:id": (.organisation, nil),
        "GET /api/v1/orgs/:id/members": (.organisation, nil),
        "PUT /api/v1/orgs/:id/members": (.organisation, #"{"email":"a@example.com","role":"owner"}"#),
        "DELETE /api/v1/orgs/:id/members/:user_id": (.organisation, nil),
        // Only the administrator gets past these, whatever the id.
        "GET /api/v1/registrations": (.none, nil),
        "POST /api/v1/registrations/:id/approve": (.registration, nil),
        "DELETE /api/v1/registrations/:id": (.registration, nil),
        "POST /api/v1/orgs": (.none, #"{"name":"more"}"#),
        // These name nothing that belongs to anybody.
        "GET /api/v1/commit_tags": (.none, nil),
        "GET /api/v1/repositories": (.none, nil),
        "POST /api/v1/repositories": (.none, #"{"name":"theirs"}"#),
        "GET /api/v1/public/repositories": (.none, nil),
        "GET /api/v1/env_vars": (.none, nil),
        "PUT /api/v1/env_vars": (.none, nil),
        "GET /api/v1/domains": (.none, nil),
        "GET /api/v1/vms": (.none, nil),
        "GET /api/v1/vm": (.none, nil),
        "POST /api/v1/vm/new_root": (.none, nil),
        "GET /api/v1/images": (.none, nil),
        "POST /api/v1/images/create": (.none, nil),
        "POST /api/v1/images/upload": (.none, nil),
        "GET /api/v1/commits": (.none, nil),
        "GET /api/v1/commits/public": (.none, nil),
        "GET /api/v1/whoami": (.none, nil),
        "POST /api/v1/deploy": (.none, nil),
        "POST /api/v1/keys/validate": (.none, nil),
        "GET /api/v1/orgs": (.none, nil),
        "GET /api/v1/system/version": (.none, nil),
        "GET /api/v1/system/front-door": (.none, nil),
        "GET /openapi.json": (.none, nil),
        "GET /docs": (.none, nil),
        "GET /health": (.none, nil),
        "POST /api/shell-auth": (.none, nil),
        "POST /api/shell-auth/verify-key": (.none, nil),
        "POST /api/shell-auth/verify-public-key": (.none, nil),
        "POST /api/shell-auth/api-keys": (.none, nil),
    ]

    private static let queries = [
        "GET /api/v1/vm/:id/files": "?path=/etc/hostname", "GET /api/v1/keys": "?org_id=ID",
    ]

    @Test func `every route treats another organisation's id as one that nobody has`() async throws {
        try await TestDomain.run { test in
            let (ours, theirs) = (try await test.organisation("ours"), try await test.organisation("theirs"))
            let machine = try await test.create(for: ours.principal)
            let commit = try await test.machines.commit(
                machine,
                request: CommitRequest(),
                options: FreezeOptions(),
                for: ours.principal
            )
            let domain = try await Self.nameEverything("ours_name", machine, commit, ours.principal, test)
            let image = ImportedImage(
                id: BaseImageID(),
                organisationID: ours.id,
                ownerID: ours.principal.keyID,
                name: "our-image",
                source: .upload,
                size: .automatic,
                description: nil,
                createdAt: Date(),
                state: .ready
            )
            _ = try await test.domain.importedImages.insert(image)
            let ids: [Kind: String] = [
                .image: image.id.text, .imageName: image.name, .domain: domain.text, .name: "ours_name",
                .machine: machine.text, .commit: commit.text, .key: ours.principal.keyID.text,
                .organisation: ours.id.text, .registration: RegistrationID().text,
            ]
            let before = try await test.record(machine)
            try await TestServer.run(test) { server in
                for route in server.routes {
                    let (kind, body) = try #require(Self.routes[route], "'\(route)' is not in this test")
                    guard let id = ids[kind] else { continue }
                    let foreign = try await Self.ask(server, route, id: id, body: body, key: theirs.key)
                    let nobodys = kind == .name ? "nobodys_name" : MachineID().text
                    let unknown = try await Self.ask(server, route, id: nobodys, body: body, key: theirs.key)
                    #expect(foreign.status == unknown.status, "\(route): \(foreign.body) \(unknown.body)")
                    #expect(foreign.body == unknown.body, "\(route)")
                    #expect(foreign.status == (kind == .registration ? 403 : 404), "\(route): \(foreign.body)")
                }
                let lists = [
                    "/vms", "/commits", "/commits/public", "/commit_tags", "/repositories", "/public/repositories",
                    "/env_vars", "/domains", "/images",
                ]
                for list in lists {
                    let answer = try await server.send("GET", "/api/v1\(list)", key: theirs.key)
                    for secret in ids.values { #expect(!answer.body.contains(secret), "\(list)") }
                }
            }
            #expect(try await test.record(machine) == before)
            #expect(try await test.commits.info(of: commit, for: ours.principal).is_public == false)
            #expect(try await test.machines.list(for: ours.principal).map(\.vm_id) == [machine])
            #expect(try await test.machines.list(for: theirs.principal).isEmpty)
            _ = try await test.keys.authenticate(ours.key)
        }
    }

    /// Gives a tag, a repository with a tag, and a variable the same name, and a VM a domain.
    private static func nameEverything(
        _ name: String,
        _ machine: MachineID,
        _ commit: CommitID,
        _ principal: Principal,
        _ test: TestDomain
    ) async throws -> DomainID {
        let names = test.names
        let tag = TagCreateRequest(tag_name: name, commit_id: commit)
        _ = try await names.tags.create(tag, for: principal)
        _ = try await names.repositories.create(RepositoryCreateRequest(name: name), for: principal)
        _ = try await names.repositories.createTag(tag, in: name, for: principal)
        _ = try await names.environment.set(EnvironmentRequest(vars: [name: "secret"]), for: principal)
        let domain = DomainNameCreateRequest(domain: "app.example.com", vm_id: machine)
        return try await names.domainNames.create(domain, for: principal).domain_id
    }

    /// Asks, and writes `ID` for the id in the answer.
    private static func ask(
        _ server: TestServer,
        _ route: String,
        id: String,
        body: String?,
        key: String
    ) async throws -> RawHTTP.Answer {
        let parts = route.split(separator: " ").map(String.init)
        let exec = "0b8f5c1e-1111-4222-8333-444455556666"
        let path = (parts[1] + (queries[route] ?? "")).replacing(":id", with: id).replacing("=ID", with: "=\(id)")
            .replacing(":tag", with: id).replacing(":repo", with: id).replacing(":key", with: id)
            .replacing(":org", with: "ours").replacing(":name", with: id).replacing(":exec_id", with: exec)
            .replacing(":user_id", with: exec)
        let text = body?.replacing("\"ID\"", with: "\"\(id)\"").replacing("\"E\"", with: "\"\(exec)\"")
        var answer = try await server.send(parts[0], path, body: text, key: key)
        answer.body = answer.body.replacing(id, with: "ID")
        return answer
    }

    @Test func `a public commit can be seen and started from, and is otherwise its owner's`() async throws {
        try await TestDomain.run { test in
            let (ours, theirs) = (try await test.organisation("ours"), try await test.organisation("theirs"))
            let machine = try await test.create(for: ours.principal)
            let commit = try await test.machines.commit(
                machine,
                request: CommitRequest(),
                options: FreezeOptions(),
                for: ours.principal
            )
            _ = try await test.commits.edit(commit, CommitEditRequest(is_public: true), for: ours.principal)

            #expect(try await test.commits.info(of: commit, for: theirs.principal).is_public)
            #expect(try await test.commits.listPublic(limit: 10, offset: 0).commits.map(\.commit_id) == [commit])
            #expect(try await test.commits.list(limit: 10, offset: 0, for: theirs.principal).total == 0)
            let child = try await test.machines.create(from: commit, for: theirs.principal)
            // Neither tree has to do with the other: deleting one's VM is not stopped by the other's.
            #expect(try await test.machines.metadata(of: child, for: theirs.principal).grandparent_vm_id == nil)
            let refused: [@Sendable () async throws -> Void] = [
                { try await test.commits.delete(commit, for: theirs.principal) },
                { _ = try await test.commits.edit(commit, .init(is_public: false), for: theirs.principal) },
            ]
            for call in refused {
                let error = await #expect(throws: VersError.self) { try await call() }
                #expect(error?.code == .forbidden)
            }
            // The owner learns how many, not whose.
            let inUse = await #expect(throws: VersError.self) {
                try await test.commits.delete(commit, for: ours.principal)
            }
            #expect(inUse?.code == .inUse)
            #expect(inUse?.message.contains(child.text) == false)
            _ = try await test.machines.delete(machine, recursive: true, skipWaitBoot: false, for: ours.principal)
            #expect(try await test.machines.summary(of: child, for: theirs.principal).state == .running)

            _ = try await test.commits.edit(commit, CommitEditRequest(is_public: false), for: ours.principal)
            let gone = await #expect(throws: VersError.self) {
                try await test.machines.create(from: commit, for: theirs.principal)
            }
            #expect(gone?.code == .notFound)
        }
    }

    @Test func `a history ends where another organisation's commits begin`() async throws {
        try await TestDomain.run { test in
            let (ours, theirs) = (try await test.organisation("ours"), try await test.organisation("theirs"))
            func commit(_ machine: MachineID, _ principal: Principal) async throws -> CommitID {
                let options = FreezeOptions()
                return try await test.machines.commit(machine, request: .init(), options: options, for: principal)
            }
            let first = try await commit(try await test.create(for: ours.principal), ours.principal)
            let second = try await commit(
                try await test.machines.create(from: first, for: ours.principal),
                ours.principal
            )
            _ = try await test.commits.edit(second, CommitEditRequest(is_public: true), for: ours.principal)
            let machine = try await test.machines.create(from: second, for: theirs.principal)
            let third = try await commit(machine, theirs.principal)
            #expect(try await test.commits.history(of: third, for: theirs.principal).map(\.id) == [third, second])
            #expect(try await test.commits.history(of: second, for: ours.principal).map(\.id) == [second, first])
        }
    }
}
