import GuestProtocol
import Logging
import NIOCore
import Synchronization
import VersAPI
import VersCore

import struct Foundation.Date

/// A session over one connection. Owns the task that reads it, which ends with the connection.
final class AgentSession: GuestSession {
    let core: SessionCore
    let machine: MachineID
    let patience: AgentPatience
    /// Stdin that did not fit into the request of its command, on its way.
    let feeders = Mutex<[ExecID: Task<Void, Never>]>([:])
    /// A guest that stands still is silent, too.
    let guestState = Mutex(GuestState { true })
    private let reader: Task<Void, Never>

    init(
        connection: NIOAsyncChannel<Frame, Frame>,
        machine: MachineID,
        patience: AgentPatience,
        logger: Logger
    ) {
        let core = SessionCore(channel: connection.channel, logger: logger)
        self.core = core
        self.machine = machine
        self.patience = patience
        reader = Task {
            do {
                try await connection.executeThenClose { inbound, _ in
                    for try await frame in inbound { core.receive(frame) }
                }
            } catch {
                logger.debug("guest channel failed", metadata: ["guest.error": "\(error)"])
            }
            core.connectionLost()
        }
    }

    deinit {
        core.closeSoon()
    }

    /// Greets until the agent answers.
    func greet() async throws {
        let core = core
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await core.send(Hello(nonce: core.nonce).frame)
                    try await Task.sleep(nanoseconds: UInt64(AgentConnector.greetingInterval.nanoseconds))
                }
            }
            group.addTask { _ = try await core.opening.next() }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    var isOpen: Bool { core.isOpen }

    var begin: Date { core.begin }

    var hasIdentity: Bool { core.facts?.hasIdentity ?? true }

    func waitUntilClosed() async {
        await core.waitUntilClosed()
    }

    func close() async {
        await core.close()
        await reader.value
    }
}

/// Whoever knows whether the guest runs. A closure in a `Mutex` of its own would be wrapped once more at every look (Swift 6.3),
/// and 100,000 wrappings end with one another on a stack that is too small for it.
struct GuestState: Sendable {
    var isRunning: @Sendable () async -> Bool
}
