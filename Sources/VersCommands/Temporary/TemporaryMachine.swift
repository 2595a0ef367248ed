import Foundation
import VersAPI
import VersClient

/// A VM that is deleted when its use ends, however it ends.
///
/// A guard process is started before the VM is made. It deletes the VM when this process is gone without having done
/// so, and finds it by a label if it was never told the id.
struct TemporaryMachine: Sendable {
    enum Source: Sendable {
        case image(MachineConfiguration)
        case commit(CommitID)
    }

    /// The label by which the guard finds a VM.
    static let label = "vers-tmp"
    /// What ends the use of the VM before its time.
    private static let endings = [SIGTERM, SIGHUP]

    let session: Session
    let source: Source

    /// Makes the VM, waits until it runs, runs `body`, and deletes the VM.
    func during(_ body: @Sendable @escaping (MachineID) async throws -> Int32) async throws -> Int32 {
        let token = UUID().uuidString.lowercased()
        let guardian = try TemporaryGuardian.start(token: token, context: session.context)
        let id = try await make(token: token)
        guardian?.watch(id)
        let outcome: Result<Int32, any Error>
        do {
            let code = try await untilSignal(Self.endings) {
                // What is used has a use for Ctrl-C; what is only started has not.
                try await untilSignal([SIGINT]) { try await waitUntilRunning(id) }
                return try await body(id)
            }
            outcome = .success(code)
        } catch {
            outcome = .failure(error)
        }
        if await delete(id) { guardian?.dismiss() }
        return try outcome.get()
    }

    private func make(token: String) async throws -> MachineID {
        switch source {
        case .image(var configuration):
            configuration.labels = [Self.label: token]
            return try await session.client.createMachine(configuration, waitForBoot: false)
        case .commit(let commit):
            return try await session.context.progress("starting a VM from commit \(commit)") { [session] in
                try await session.client.createMachine(from: commit)
            }
        }
    }

    private func waitUntilRunning(_ id: MachineID) async throws {
        try await session.context.progress("starting a VM") { [session] in
            // Any command will do: the server starts it when the guest is up.
            _ = try await session.client.execute(ExecRequest(command: ["true"]), in: id)
        }
    }

    /// Also for a task that was cancelled.
    /// - Returns: whether there is nothing left to delete, or what is left is to stay.
    private func delete(_ id: MachineID) async -> Bool {
        // A task of its own, awaited here: it does not inherit the cancellation of whoever cleans up.
        await Task { [session] in
            do {
                try await session.client.deleteMachine(id)
                session.context.note("Temporary VM '\(id)' deleted")
                return true
            } catch let error as VersError where error.code == .notFound {
                return true
            } catch let error as VersError where error.code == .hasChildren {
                session.context.warn("temporary VM '\(id)' has children and is kept")
                session.context.note("delete it with everything downstream: vers kill -r \(id)")
                return true
            } catch {
                session.context.warn("temporary VM '\(id)' could not be deleted: \(error)")
                return false
            }
        }.value
    }

    /// Runs `body`, but no longer than until one of these signals arrives.
    /// - Throws: `.cancelled` then; `body` is cancelled and awaited first.
    private func untilSignal<Value: Sendable>(
        _ signals: [Int32],
        _ body: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        let arrivals = SignalStream.signals(signals)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in arrivals { throw VersError(.cancelled, "Operation cancelled") }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let value = result { return value }
            }
            throw CancellationError()
        }
    }
}
