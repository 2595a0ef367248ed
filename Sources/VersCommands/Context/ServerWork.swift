import ArgumentParser
import Glibc
import VersAPI

extension CommandContext {
    /// Waits for something that the server does, and finishes whoever asked for it: shows `message` meanwhile.
    ///
    /// An interrupt ends the waiting, not the work, and is said to. From then on until the process ends, interrupts do
    /// nothing: what follows has to be short.
    /// - Throws: `ExitCode` of an interrupt.
    func serverWork<Result: Sendable>(
        _ message: String,
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let interrupts = SignalStream.signals([SIGINT])
        let result = try await progress(message) {
            try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask { try await work() }
                group.addTask {
                    for await _ in interrupts { break }
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
        if let result { return result }
        note("interrupted: the server goes on with it; see 'vers status'")
        throw ExitCode(128 + SIGINT)
    }

    /// Does what follows the making of VMs. When that fails, it says which were made: they run.
    func afterMaking<Result>(_ machines: [MachineID], _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            note("\(counted(machines.count, "new VM")): \(machines.map(\.text).listed)")
            throw error
        }
    }
}
