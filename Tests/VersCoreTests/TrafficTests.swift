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
            try await test.machines.setWake(
                WakeRequest(wake_on_traffic: true),
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

    @Test func `a VM has an idle time of its own, which can be changed while it is awake`() async throws {
        // The daemon's time never comes in this test.
        try await TestDomain.run(idleTime: .seconds(3600)) { test in
            let owner = Principal(keyID: test.owner, organisationID: .owner)
            let id = try await machine(.sleeping, in: test)
            #expect(try await test.machines.metadata(of: id).idle_timeout_secs == 3600)
            try await resting(test) {
                await (try await test.machines.dial(endpoint, of: id)).close()
                let start = ContinuousClock.now
                try await test.machines.setWake(
                    WakeRequest(wake_on_traffic: true, idle_timeout_secs: 1),
                    of: id,
                    for: owner
                )
                try await waitForRest(.sleeping, of: id, in: test)
                #expect(ContinuousClock.now - start >= .seconds(1))
                // What is said of waking alone leaves the time as it is, and so does a branch.
                try await test.machines.setWake(WakeRequest(wake_on_traffic: true), of: id, for: owner)
                #expect(try await test.machines.metadata(of: id).idle_timeout_secs == 1)
                await (try await test.machines.dial(endpoint, of: id)).close()
                let child = try #require(try await test.branch(id).first)
                #expect(try await test.machines.metadata(of: child).idle_timeout_secs == 1)
                try await waitForRest(.sleeping, of: id, in: test)
            }
        }
    }

    @Test(arguments: [0, -1, 31_536_001, .max])
    func `an idle time that makes no sense is refused`(seconds: Int) async throws {
        try await TestDomain.run { test in
            let owner = Principal(keyID: test.owner, organisationID: .owner)
            let id = try await machine(.running, in: test)
            let refused = await #expect(throws: VersError.self) {
                try await test.machines.setWake(
                    WakeRequest(wake_on_traffic: false, idle_timeout_secs: seconds),
                    of: id,
                    for: owner
                )
            }
            #expect(refused?.code == .invalidArgument && refused?.message.contains("\(seconds)") == true)
            #expect(try await test.record(id)?.traffic == TrafficPolicy(wakes: true))
            await #expect(throws: VersError.self) {
                _ = try await test.machines.create(
                    MachineConfiguration(mem_size_mib: 128, idle_timeout_secs: seconds),
                    owner: test.owner,
                    waitForBoot: true
                )
            }
        }
    }

    @Test func `a command that is followed keeps its VM awake`() async throws {
        try await TestDomain.run(idleTime: .milliseconds(20)) { test in
            let owner = Principal(keyID: test.owner, organisationID: .owner)
            let id = try await machine(.sleeping, in: test)
            try await resting(test) {
                let stream = try await test.machines.dial(endpoint, of: id)
                let use = try await test.machines.keepAwake(id, for: owner)
                await stream.close()
                try await Task.sleep(for: .milliseconds(150))
                #expect(try await test.record(id)?.state == .running)
                withExtendedLifetime(use) {}
            }
            // Let go of above, it rests.
            try await resting(test) { try await waitForRest(.sleeping, of: id, in: test) }
        }
    }

    @Test func `a wake is held to the limits of the key that owns the VM, and makes no new VM`() async throws {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme", limits: KeyLimits(memoryMiB: 128, machines: 2))
            let id = try await test.create(for: acme.principal)
            let other = try await test.create(for: acme.principal)
            try await test.machines.setWake(WakeRequest(wake_on_traffic: true), of: id, for: acme.principal)
            for _ in 0..<2 {
                try await test.machines.setState(of: id, to: .sleeping, skipWaitBoot: false, for: acme.principal)
                // It counts asleep, and awake no more than that.
                let refused = await #expect(throws: VersError.self) { _ = try await test.create(for: acme.principal) }
                #expect(refused?.code == .limitExceeded)
                await (try await test.machines.dial(endpoint, of: id)).close()
                #expect(try await test.record(id)?.state == .running)
            }
            _ = try await test.machines.delete(other, recursive: false, skipWaitBoot: false, for: acme.principal)
            // A VM that its key could not start is not started by a connection either.
            let large = try await asleep(like: try #require(try await test.record(id)), memoryMiB: 129, in: test)
            let byTraffic = await #expect(throws: VersError.self) {
                _ = try await test.machines.dial(endpoint, of: large)
            }
            let byKey = await #expect(throws: VersError.self) {
                try await test.machines.setState(of: large, to: .running, skipWaitBoot: false, for: acme.principal)
            }
            #expect(byTraffic?.code == .limitExceeded && byTraffic?.message == byKey?.message)
            let record = try await test.record(large)
            #expect(record?.state == .sleeping && record?.traffic == TrafficPolicy(wakes: true))
        }
    }

    /// A VM that was recorded when its key was allowed more.
    private func asleep(like other: Machine, memoryMiB: Int, in test: TestDomain) async throws -> MachineID {
        let machine = Machine(
            id: MachineID(),
            ownerID: other.ownerID,
            organisationID: other.organisationID,
            createdAt: other.createdAt,
            state: .sleeping,
            labels: nil,
            hardware: Hardware(
                memoryMiB: memoryMiB,
                vcpuCount: 1,
                imageName: other.hardware.imageName,
                imageBuild: other.hardware.imageBuild
            ),
            diskMiB: other.diskMiB,
            parentCommitID: nil,
            parentMachineID: nil,
            traffic: TrafficPolicy(wakes: true),
            credentials: other.credentials
        )
        try await test.domain.metadata.insert([machine])
        return machine.id
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
