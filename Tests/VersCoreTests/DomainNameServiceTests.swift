import Testing
import VersAPI

@testable import VersCore

struct DomainNameServiceTests {
    private func create(_ test: TestDomain, _ name: String, _ machine: MachineID) async throws -> DomainNameInfo {
        let request = DomainNameCreateRequest(domain: name, vm_id: machine)
        return try await test.domainNames.create(request, for: test.principal)
    }

    @Test func `names are bound, found and deleted, and go with their VM`() async throws {
        try await TestDomain.run { test in
            let (first, second) = (try await test.create(), try await test.create())
            let app = try await create(test, "App.Example.COM.", first)
            #expect(app.domain == "app.example.com")
            let api = try await create(test, "api.example.com", first)
            let other = try await create(test, "xn--bcher-kva.example", second)
            #expect(try await test.domainNames.list(of: nil, for: test.principal) == [api, app, other])
            #expect(try await test.domainNames.list(of: first, for: test.principal) == [api, app])
            #expect(try await test.domainNames.info(of: app.domain_id, for: test.principal) == app)
            #expect(try await test.domainNames.machine(boundTo: "APP.example.com") == first)
            let taken = await refusal { _ = try await create(test, "app.example.com", second) }
            #expect(taken?.code == .alreadyExists)
            try await test.domainNames.delete(app.domain_id, for: test.principal)
            #expect(
                await refusal { try await test.domainNames.delete(app.domain_id, for: test.principal) }?.code
                    == .notFound
            )
            _ = try await create(test, "app.example.com", second)
            _ = try await test.machines.delete(first, recursive: false, skipWaitBoot: false)
            #expect(try await test.domainNames.machine(boundTo: "api.example.com") == nil)
            #expect(try await test.domainNames.list(of: nil, for: test.principal).map(\.vm_id) == [second, second])
        }
    }

    @Test(
        arguments: [
            "", ".", "localhost", "a..b", "-a.example", "a-.example", "a_b.example", "*.example.com", "10.0.0.1",
            "a.0x7f", "bücher.example", "a b.example", "http://a.example", "a.example:80",
            "0b8f5c1e-1111-4222-8333-444455556666.vm.vers.localhost", "vm.vers.localhost",
            String(repeating: "a", count: 64) + ".example", String(repeating: "a.", count: 126) + "aa",
        ]
    )
    func `what is no name to bind is refused`(name: String) async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let error = await refusal { _ = try await create(test, name, machine) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `another's VMs and names do not exist`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let app = try await create(test, "app.example.com", machine)
            let stranger = TestDomain.stranger
            let service = test.domainNames
            let request = DomainNameCreateRequest(domain: "b.example.com", vm_id: machine)
            #expect(await refusal { _ = try await service.create(request, for: stranger) }?.code == .notFound)
            #expect(await refusal { _ = try await service.info(of: app.domain_id, for: stranger) }?.code == .notFound)
            #expect(await refusal { try await service.delete(app.domain_id, for: stranger) }?.code == .notFound)
            #expect(try await service.list(of: nil, for: stranger).isEmpty)
            let nobody = await refusal { _ = try await create(test, "b.example.com", MachineID()) }
            #expect(nobody?.code == .notFound)
        }
    }
}
