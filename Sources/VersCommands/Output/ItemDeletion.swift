import ArgumentParser
import TerminalUI
import VersAPI

/// Deletes several things as far as it goes: those that can be deleted are, and every failure is reported.
struct ItemDeletion {
    struct Result: Encodable {
        var deleted: [String] = []
        var failed: [Delete.Failure] = []
    }

    let context: CommandContext
    /// What they are, in lower case.
    let noun: String

    /// - Parameter delete: deletes one and returns how the report calls it.
    /// - Throws: the exit status of the first failure.
    func run(
        _ texts: [String],
        format: OutputFormat?,
        delete: (String) async throws -> String
    ) async throws {
        var result = Result()
        for text in texts where !result.deleted.contains(text) {
            do {
                let name = try await delete(text)
                if !result.deleted.contains(name) { result.deleted.append(name) }
            } catch let error as VersError {
                context.note("\u{2717} \(noun) '\(text.withoutControlCharacters)' not deleted")
                context.report(error)
                result.failed.append(.init(target: text, error: error.message, code: error.code, hint: error.hint))
            }
        }
        if format != nil || !result.deleted.isEmpty {
            let title = noun.prefix(1).uppercased() + noun.dropFirst()
            let deleted = result.deleted
            try Rendering(json: result) {
                deleted.map { "\u{2713} \(title) '\($0)' deleted" }.joined(separator: "\n")
            }.write(to: context, format: format)
        }
        if let code = result.failed.first?.code { throw ExitCode(code.exitStatus) }
    }
}
