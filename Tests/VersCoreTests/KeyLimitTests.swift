import Testing
import VersAPI

@testable import VersCore

/// The limits of a key, wherever VMs are made or started.
struct KeyLimitTests {
    private func refusal(_ body: () async throws -> Void) async -> ErrorCode? {
        await #expect(throws: VersError.self) { try await body() }?.code
    }

    @Test func `a key makes no VM that is larger than its limits`() async throws {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme", limits: KeyLimits(memoryMiB: 128, vcpuCount: 1))
            #expect(await refusal { _ = try await test.create(for: acme.principal, memoryMiB: 129) } == .limitExceeded)
            #expect(await refusal { _ = try await test.create(for: acme.principal, vcpuCount: 2) } == .limitExceeded)
            _ = try await test.create(for: acme.principal)

            // A colleague without limits makes a large one: this key neither branches nor starts it.
            let request = CreateKeyRequest(label: "wide", org_id: acme.id)
            let root = try await test.administrator().principal
            let wide = try await test.keys.authenticate(try await test.accounts.createKey(request, for: root).api_key)
            let large = try await test.create(for: wide, memoryMiB: 256)
            let options = FreezeOptions()
            let commit = try await test.machines.commit(large, request: .init(), options: options, for: wide)
            try await test.machines.setState(of: large, to: .stopped, skipWaitBoot: false, for: wide)
            let calls: [@Sendable () async throws -> Void] = [
                {
                    _ = try await test.machines.branch(
                        .machine(large),
                        count: 1,
                        options: options,
                        for: acme.principal
                    )
                },
                {
                    _ = try await test.machines.branch(
                        .commit(commit),
                        count: 1,
                        options: options,
                        for: acme.principal
                    )
                },
                { _ = try await test.machines.create(from: commit, for: acme.principal) },
                {
                    try await test.machines.setState(
                        of: large,
                        to: .running,
                        skipWaitBoot: false,
                        for: acme.principal
                    )
                },
            ]
            for call in calls { #expect(await refusal { try await call() } == .limitExceeded) }
            #expect(try await test.machines.list(for: wide).count == 2)
        }
    }

    @Test func `a key has no more VMs than its limit, and deleting one makes room`() async throws {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme", limits: KeyLimits(machines: 2))
            let first = try await test.create(for: acme.principal)
            let branch: @Sendable (Int) async throws -> [MachineID] = {
                try await test.machines.branch(.machine(first), count: $0, options: .init(), for: acme.principal)
            }
            #expect(await refusal { _ = try await branch(2) } == .limitExceeded)
            let child = try await branch(1)[0]
            #expect(await refusal { _ = try await test.create(for: acme.principal) } == .limitExceeded)
            _ = try await test.machines.delete(child, recursive: false, skipWaitBoot: false, for: acme.principal)
            _ = try await branch(1)
            #expect(try test.machineDirectories().count == 2)
        }
    }

    @Test func `of requests at once no more succeed than the limit allows, and the others leave nothing`() async throws
    {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme", limits: KeyLimits(machines: 3))
            let results = await withTaskGroup(of: Result<MachineID, any Error>.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        do {
                            return .success(try await test.create(for: acme.principal))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let made = results.compactMap { try? $0.get() }
            #expect(made.count == 3)
            for case .failure(let error) in results { #expect((error as? VersError)?.code == .limitExceeded) }
            #expect(try await test.machines.list(for: acme.principal).count == 3)
            #expect(try test.machineDirectories() == Set(made))
        }
    }
}
