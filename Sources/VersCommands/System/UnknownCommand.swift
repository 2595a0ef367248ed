import ArgumentParser
import VersAPI

/// Looks at the first word before the parser does, to say more than "unexpected argument".
enum UnknownCommand {
    /// - Throws: `.invalidArgument` when the first word is no command, with the one that was probably meant.
    static func check(_ arguments: [String]) throws {
        guard let word = arguments.first, !word.hasPrefix("-") else { return }
        let hidden = VersCommand.configuration.ungroupedSubcommands.map(name)
        let names = VersCommand.visibleSubcommands.flatMap { [name($0)] + $0.configuration.aliases }
        guard word != "help", !names.contains(word), !hidden.contains(word) else { return }
        let nearest = names.map { (name: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
        let hint = nearest.flatMap { $0.distance <= 2 && $0.distance < $0.name.count ? $0.name : nil }
        throw VersError(
            .invalidArgument,
            "unknown command '\(word.prefix(80))'",
            hint: hint.map { "did you mean 'vers \($0)'?" } ?? "see 'vers --help'"
        )
    }

    static func name(_ command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? String(describing: command).lowercased()
    }

    /// Levenshtein's: the fewest letters to insert, remove or replace.
    private static func distance(_ lhs: String, _ rhs: String) -> Int {
        let (lhs, rhs) = (Array(lhs.prefix(32)), Array(rhs))
        var row = Array(0...rhs.count)
        for (i, left) in lhs.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in rhs.enumerated() {
                let replaced = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[rhs.count]
    }
}
