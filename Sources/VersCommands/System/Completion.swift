import ArgumentParser

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

    func run() async throws {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        common.context.print(VersCommand.completionScript(for: kind))
    }
}
