import Dispatch
import VersAPI

/// A question with yes or no on the terminal.
struct Confirmation {
    let context: CommandContext

    /// Returns after `y` or `yes`.
    /// - Throws: `.cancelled` after anything else, the end of input included.
    func ask(_ question: String) async throws {
        context.errorOutput.write(question)
        let answer = await Blocking.run { [context] in context.readLine() }
        if answer == nil { context.note("") }
        guard ["y", "yes"].contains((answer ?? "").trimmed.lowercased()) else {
            throw VersError(.cancelled, "Operation cancelled")
        }
    }
}

/// Calls that block, kept off the threads that run tasks.
enum Blocking {
    private static let queue = DispatchQueue(label: "vers.blocking", attributes: .concurrent)

    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }

    static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
