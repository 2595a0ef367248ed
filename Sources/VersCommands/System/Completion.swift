import ArgumentParser
import Foundation

/// `vers completion`.
struct Completion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a script that completes commands and options in a shell.",
        discussion: """
            EXAMPLES
              vers completion bash > /etc/bash_completion.d/vers
              vers completion zsh > "${fpath[1]}/_vers"
              vers completion fish > ~/.config/fish/completions/vers.fish
            """
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable, Sendable {
        case bash
        case zsh
        case fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell
    @OptionGroup var common: CommonOptions

    func run() async throws { common.context.print(Self.script(for: shell)) }

    static func script(for shell: Shell) -> String {
        switch shell {
        case .bash: withAliases(VersCommand.completionScript(for: .bash), choice: "case \"${subcommand}\" in\n")
        case .zsh: withAliases(VersCommand.completionScript(for: .zsh), choice: "case \"${words[1]}\" in\n")
        case .fish: VersCommand.completionScript(for: .fish)
        }
    }

    /// The parser's scripts complete what follows a command's name, but not what follows its other names.
    /// - Parameter choice: where the script's main function chooses the command's own.
    private static func withAliases(_ script: String, choice: String) -> String {
        guard
            let main = script.range(of: "\n_vers() {\n"),
            let position = script.range(of: choice, range: main.upperBound..<script.endIndex)?.upperBound
        else { return script }
        let branches = VersCommand.visibleSubcommands.compactMap { command -> String? in
            let aliases = command.configuration.aliases
            guard !aliases.isEmpty else { return nil }
            return "    \(aliases.joined(separator: "|"))) _vers_\(UnknownCommand.name(command)) ;;\n"
        }
        return script[..<position] + branches.joined() + script[position...]
    }
}
