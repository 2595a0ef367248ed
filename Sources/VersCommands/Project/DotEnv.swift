import Foundation
internal import SystemPackage

/// `./.env`: settings for `vers` that the environment does not have.
enum DotEnv {
    /// The environment with what `.env` adds; what is set already wins.
    static func environment(of context: CommandContext) throws -> [String: String] {
        guard let text = try UserFile.read(context.workingPath.appending(".env")) else { return context.environment }
        return parse(text).merging(context.environment) { $1 }
    }

    /// Lines of `KEY=VALUE`, with `export` before and quotes around the value allowed; others are ignored.
    static func parse(_ text: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            var line = line.trimmed
            if line.hasPrefix("export ") { line = String(line.dropFirst(7)).trimmed }
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            let key = line[..<equals].trimmed
            guard (try? /[A-Za-z_][A-Za-z0-9_]*/.wholeMatch(in: key)) != nil else { continue }
            result[key] = value(line[line.index(after: equals)...].trimmed)
        }
        return result
    }

    private static func value(_ text: String) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            guard let comment = text.range(of: " #") else { return text }
            return text[..<comment.lowerBound].trimmed
        }
        let rest = text.dropFirst()
        guard let end = rest.firstIndex(of: quote) else { return text }
        let quoted = String(rest[..<end])
        return quote == "'" ? quoted : quoted.replacing("\\n", with: "\n")
    }
}
