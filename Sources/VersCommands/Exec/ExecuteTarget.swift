import VersAPI

/// Which of the words after `vers execute` name the VM, and which are the command.
struct ExecuteTarget: Equatable {
    /// Nil means HEAD.
    var machine: String?
    var command: [String]

    enum Reading: Equatable {
        /// The words say it by themselves.
        case settled(ExecuteTarget)
        /// The first word may be the beginning of an id; it is the VM if there is such a VM.
        case undecided
    }

    /// - Parameters:
    ///   - words: everything after the options, with `--` where it was typed.
    ///   - isName: whether a word is an alias or a full id.
    static func read(_ words: [String], isName: (String) throws -> Bool) throws -> Reading {
        guard let separator = words.firstIndex(of: "--"), separator <= 1 else {
            if let separator = words.firstIndex(of: "--"), try isName(words[0]), words[1].hasPrefix("-") {
                throw VersError(
                    .invalidArgument,
                    "options go before the VM, not after it: \(words[1..<separator].joined(separator: " "))",
                    hint: "vers execute \(words[1..<separator].joined(separator: " ")) \(words[0]) -- ..."
                )
            }
            return try withoutSeparator(words, isName: isName)
        }
        let command = Array(words[(separator + 1)...])
        guard !command.isEmpty else { throw missingCommand }
        return .settled(Self(machine: separator == 1 ? words[0] : nil, command: command))
    }

    private static func withoutSeparator(_ words: [String], isName: (String) throws -> Bool) throws -> Reading {
        guard let first = words.first else { throw missingCommand }
        if try isName(first) {
            guard words.count > 1 else { throw missingCommand }
            return .settled(Self(machine: first, command: Array(words.dropFirst())))
        }
        guard words.count > 1, Resolver.isPrefix(first) else { return .settled(Self(machine: nil, command: words)) }
        return .undecided
    }

    private static var missingCommand: VersError {
        VersError(
            .invalidArgument,
            "requires at least 1 arg(s): a command to run",
            hint: "usage: vers execute [options] [vm] [--] <command> [args...]"
        )
    }
}
