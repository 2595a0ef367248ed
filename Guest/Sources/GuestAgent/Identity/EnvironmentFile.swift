import GuestProtocol

/// Our variables in `/etc/environment`, between two marks.
enum EnvironmentFile {
    private static let path = "/etc/environment"
    private static let begin = "# vers: begin (replaced by the host)"
    private static let end = "# vers: end"

    static func install(_ variables: [EnvironmentVariable]) throws(SystemError) {
        let present = SmallFile.readText(path)
        if present == nil, variables.isEmpty { return }
        try SmallFile.replace(path, with: replacing(present ?? "", with: variables), mode: 0o644)
    }

    /// The text with our block replaced, or without it when there are no variables. What the format cannot hold (a
    /// line break, a quote at either end) is left to the environment of commands.
    static func replacing(_ text: String, with variables: [EnvironmentVariable]) -> String {
        var kept: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == begin { isInside = true }
            if !isInside { kept.append(line) }
            if line == end { isInside = false }
        }
        while kept.last == "" { kept.removeLast() }
        var lines = kept.map(String.init)
        let block = variables.sorted { $0.name < $1.name }.compactMap(line)
        if !block.isEmpty { lines += [begin] + block + [end] }
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ variable: EnvironmentVariable) -> String? {
        let value = variable.value
        guard !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }), !value.contains("\"") else {
            return nil
        }
        return "\(variable.name)=\"\(value)\""
    }
}
