import GuestProtocol

/// Our variables in `/etc/environment`, between two marks.
enum EnvironmentFile {
    private static let path = "/etc/environment"
    private static let begin = Array("# vers: begin (replaced by the host)".utf8)
    private static let end = Array("# vers: end".utf8)
    private static let newline = UInt8(ascii: "\n")

    static func install(_ variables: [EnvironmentVariable]) throws(SystemError) {
        let present = SmallFile.read(path)
        if present == nil, variables.isEmpty { return }
        try SmallFile.replace(path, with: replacing(present ?? [], with: variables), mode: 0o644)
    }

    /// The text with our block replaced, or without it when there are no variables. What the format cannot hold (a
    /// line break, a quote at either end) is left to the environment of commands.
    static func replacing(_ text: [UInt8], with variables: [EnvironmentVariable]) -> [UInt8] {
        var kept: [ArraySlice<UInt8>] = []
        var isInside = false
        for line in text.split(separator: newline, omittingEmptySubsequences: false) {
            if line.elementsEqual(begin) { isInside = true }
            if !isInside { kept.append(line) }
            if line.elementsEqual(end) { isInside = false }
        }
        while kept.last?.isEmpty == true { kept.removeLast() }
        let block = variables.isEmpty ? [] : variables.sorted { $0.name < $1.name }.compactMap(line)
        if !block.isEmpty { kept += [begin[...]] + block.map { $0[...] } + [end[...]] }
        return kept.flatMap { $0 + [newline] }
    }

    private static func line(_ variable: EnvironmentVariable) -> [UInt8]? {
        guard !variable.value.utf8.contains(where: { [0, 10, 13, UInt8(ascii: "\"")].contains($0) }) else { return nil }
        return Array("\(variable.name)=\"\(variable.value)\"".utf8)
    }
}
