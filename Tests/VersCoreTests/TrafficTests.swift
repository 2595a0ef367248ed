import Testing
import VersAPI

@testable import VersCore

struct TrafficTests {
    private let endpoint = GuestEndpoint(port: 80)

    /// A VM that traffic wakes, in a state.
    private func machine(_ state: RequestedState, wakes: Bool = true, in test: TestDomain) async throws -> MachineID {
        let id = try await test.machines.create(
            MachineConfiguration(mem_size_mib: 128, wake_on_traffic: wakes),
            owner: test.owner,
            waitForBoot: true
        )
        try await test.machines.setState(of: id, to: state, skipWaitBoot: false)
        return id
    }

    /// Until the VM is in the state, and nothing is left of a wake: a rest notes the one after the other.
    private func waitForRest(_ state: MachineState, of id: MachineID, in test: TestDomain) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let record = try await test.record(id)
            if record?.state == state, record?.traffic.returnsTo == nil { return }
            try #require(ContinuousClock.now < deadline, "the vm did not come to rest as \(state)")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func resting(_ test: TestDomain, _ body: () async throws -> Void) async throws {
        let service = IdleRest(domain: test.domain, machines: test.machines)
        let task = Task { try await service.run() }
        do {
            try await body()
        } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        _ = await task.result
    }

    @Test(arguments: [RequestedState.paused, .sleeping])
    func `without leave a connection is refused and says what to do`(state: RequestedState) async throws {
        try await TestDomain.run { test in
            let id = try await machine(state, wakes: false, in: test)
            let error = await #expect(throws: VersError.self) {
                _ = try await test.machines.dial(endpoint, of: id)
            }
            #expect(error?.code == .conflict)
            #expect(error?.hint?.contains("vers wake on \(id)") == true)
            #expect(try await test.machines.metadata(of: id).wake_on_traffic == false)
            try await test.machines.setWakesOnTraffic(
                true,
                of: id,
                for: Principal(keyID: test.owner, organisationID: .owner)
            )
            #expect(try await test.machines.metadata(of: id).wake_on_traffic)
            let stream = try await test.machines.dial(endpoint, of: id)
            try await stream.write([1, 2])
            #expect(try await stream.read() == [1, 2])
            #expect(try await test.record(id)?.state == .running)
            await stream.close()
        }
    }

    @Test(arguments: [RequestedState.paused, .sleeping])
    func `connections at once share one wake, and the last lets it rest`(state: RequestedState) async throws {
        try await TestDomain.run(idleTime: .milliseconds(50)) { test in
            let id = try await machine(state, in: test)
            let identities = test.guests.identities.count
            try await resting(test) {
                let streams = try await withThrowingTaskGroup(of: (any GuestStream).self) { group in
                    for _ in 0..<20 { group.addTask { try await test.machines.dial(endpoint, of: id) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(test.guests.identities.count == identities + 1)
                for stream in streams.dropFirst() { await stream.close() }
                try await Task.sleep(for: .milliseconds(150))
                #expect(try await test.record(id)?.state == .running)
                await streams[0].close()
                try await waitForRest(state == .paused ? .paused : .sleeping, of: id, in: test)
                // And again.
                let stream = try await test.machines.dial(endpoint, of: id)
                await stream.close()
                try await waitForRest(state == .paused ? .paused : .sleeping, of: id, in: test)
            }
        }
    }

    @Test func `a VM that somebody resumes runs on`() async throws {
        try await TestDomain.run(idleTime: .milliseconds(20)) { test in
            let id = try await machine(.sleeping, in: test)
            try await resting(test) {
                let stream = try await test.machines.dial(endpoint, of: id)
                try await test.machines.setState(of: id, to: .running, skipWaitBoot: false)
                await stream.close()
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await test.record(id)?.state == .running)
            }
        }
    }

    @Test func `a wake that fails leaves the VM asleep, and the next one wakes it`() async throws {
        try await TestDomain.run { test in
            let id = try await machine(.sleeping, in: test)
            test.hypervisor.fail(.restore)
            await #expect(throws: VersError.self) { _ = try await test.machines.dial(endpoint, of: id) }
            #expect(try await test.record(id)?.state == .sleeping)
            let stream = try await test.machines.dial(endpoint, of: id)
            await stream.close()
        }
    }

    @Test func `a client that gives up does not undo the wake`() async throws {
        try await TestDomain.run { test in
            let id = try await machine(.sleeping, in: test)
            let first = Task { try await test.machines.dial(endpoint, of: id) }
            async let second = test.machines.dial(endpoint, of: id)
            first.cancel()
            await (try? first.value)?.close()
            await (try await second).close()
            #expect(try await test.record(id)?.state == .running)
        }
    }

    @Test func `a VM that was woken before the daemon ended rests under the next`() async throws {
        try await TestDomain.run(idleTime: .milliseconds(20)) { test in
            let id = try await machine(.sleeping, in: test)
            let stream = try await test.machines.dial(endpoint, of: id)
            #expect(try await test.record(id)?.traffic == TrafficPolicy(wakes: true, returnsTo: .sleeping))
            await stream.close()
            // No service has run until now.
            try await resting(test) { try await waitForRest(.sleeping, of: id, in: test) }
        }
    }

    @Test func `a branch does as its parent`() async throws {
        try await TestDomain.run { test in
            let id = try await machine(.running, in: test)
            let child = try #require(
                try await test.machines.branch(.machine(id), count: 1, options: FreezeOptions(), owner: test.owner)
                    .first
            )
            #expect(try await test.record(child)?.traffic == TrafficPolicy(wakes: true))
        }
    }
}
