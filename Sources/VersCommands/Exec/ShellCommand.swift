import VersAPI

/// How the words after `vers execute` become an argument vector.
enum ShellCommand {
    /// Runs `$1` with bash, or with sh where the image has no bash.
    private static let chooseShell =
        "if command -v bash >/dev/null 2>&1; then exec bash -c \"$1\"; fi; exec sh -c \"$1\""

    /// Starts a login shell in the home directory.
    private static let chooseLoginShell =
        "cd 2>/dev/null; if command -v bash >/dev/null 2>&1; then exec bash -l; fi; exec sh -l"

    /// One word is a line for the shell, so that pipes and quotes in it work. Several words are one command with its
    /// arguments, each passed on as it is.
    static func arguments(for words: [String]) -> [String] {
        let line = words.count == 1 ? words[0] : words.map(quoted).joined(separator: " ")
        return ["sh", "-c", chooseShell, "sh", line]
    }

    static let login = ["sh", "-c", chooseLoginShell]

    /// The word, written so that a POSIX shell reads it back unchanged.
    static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.utf8.allSatisfy(isPlainByte)
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    private static func isPlainByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "%+,-./:=@_".utf8.contains(byte)
        }
    }
}

/// `-e KEY=VALUE`, or `-e KEY` for a variable of our own.
enum EnvironmentArgument {
    static func parse(_ arguments: [String], own: [String: String]) throws -> [String: String] {
        var result: [String: String] = [:]
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard (try? /[A-Za-z_][A-Za-z0-9_]*/.wholeMatch(in: parts[0])) != nil else {
                throw VersError(
                    .invalidArgument,
                    "invalid environment variable '\(parts[0].prefix(80))': expected KEY=VALUE or KEY, "
                        + "the key of letters, digits and '_'"
                )
            }
            guard let value = parts.count == 2 ? parts[1] : own[parts[0]] else {
                throw VersError(.invalidArgument, "environment variable '\(parts[0])' is not set here")
            }
            result[parts[0]] = value
        }
        return result
    }
}
