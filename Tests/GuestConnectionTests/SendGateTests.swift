import Logging
import Synchronization
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

struct SendGateTests {
    /// Waits until so many have asked and wait.
    private func waitUntil(_ gate: SendGate, hasWaiting count: Int) async throws {
        try await eventually { gate.waitingCount == count }
    }

    @Test func `those who wait are let in in their order, as room comes`() async throws {
        let gate = SendGate(limit: 100)
        try await gate.enter(60)
        try await gate.enter(60)
        #expect(gate.occupied == 120)
        let order = Shared<[Int]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<3 {
                group.addTask {
                    try await gate.enter(50)
                    order.change { $0.append(number) }
                }
                try await waitUntil(gate, hasWaiting: number + 1)
            }
            gate.leave(60)
            try await eventually { order.value == [0] }
            #expect(gate.occupied == 110)
            gate.leave(110)
            try await group.waitForAll()
        }
        #expect(Set(order.value) == [0, 1, 2] && order.value.first == 0)
        #expect(gate.occupied == 100)
    }

    @Test func `whoever gives up takes no room and holds up nobody`() async throws {
        let gate = SendGate(limit: 10)
        try await gate.enter(10)
        let first = Task { try await gate.enter(10) }
        try await waitUntil(gate, hasWaiting: 1)
        let second = Task { try await gate.enter(10) }
        try await waitUntil(gate, hasWaiting: 2)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        gate.leave(10)
        try await second.value
        #expect(gate.occupied == 10)
    }

    @Test func `a closed gate fails those who wait and those who come`() async throws {
        let gate = SendGate(limit: 10)
        try await gate.enter(10)
        let waiter = Task { try await gate.enter(1) }
        try await waitUntil(gate, hasWaiting: 1)
        gate.close()
        for task in [waiter, Task { try await gate.enter(1) }] {
            let error = await #expect(throws: VersError.self) { try await task.value }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func `a guest that reads nothing stops all streams at a bound, and they go on when it does`() async throws {
        try await MuteGuest.run { guest in
            let opened = try await AgentConnector(logger: Logger(label: "test"))
                .connect(to: guest.socket, of: MachineID(), deadline: .now + .seconds(20))
            let session = try #require(opened as? AgentSession)
            var streams: [any GuestStream] = []
            for _ in 0..<100 { streams.append(try await session.dial(GuestEndpoint(port: 1))) }
            try await guest.setReading(false)
            let frame = 32 * 1024
            let accepted = Shared(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for stream in streams {
                    group.addTask {
                        for _ in 0..<2 {
                            try await stream.write([UInt8](repeating: 7, count: frame))
                            accepted.change { $0 += frame }
                        }
                    }
                }
                try await eventually { session.core.queuedBytes >= SessionCore.queueLimitInBytes }
                #expect(session.core.queuedBytes <= SessionCore.queueLimitInBytes + frame)
                // The socket's buffer and one read of the guest's are all there is beside.
                #expect(accepted.value <= SessionCore.queueLimitInBytes + 1024 * 1024)
                try await guest.setReading(true)
                try await group.waitForAll()
            }
            try await eventually { guest.receivedBytes == 200 * frame }
            for stream in streams { await stream.close() }
            await session.close()
        }
    }
}

/// A value that several tasks change.
private final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}
