import ArgumentParser

/// The reference of the command line, made from the commands themselves.
enum CommandReference {
    /// Columns to which help is wrapped.
    private static let width = 100

    static var markdown: String {
        var sections = [preamble]
        for command in VersCommand.visibleSubcommands { append(command, prefix: "vers", to: &sections) }
        return sections.joined(separator: "\n\n") + "\n"
    }

    private static func append(
        _ command: any ParsableCommand.Type,
        prefix: String,
        to sections: inout [String]
    ) {
        let name = "\(prefix) \(UnknownCommand.name(command))"
        let aliases = command.configuration.aliases
        let title = ([name] + aliases.map { "\(prefix) \($0)" }).map { "`\($0)`" }.joined(separator: ", ")
        let help = VersCommand.helpMessage(for: command, columns: width)
        let text = help.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingTrailingSpaces }
        sections.append("## \(title)\n\n```text\n\(text.joined(separator: "\n").trimmed)\n```")
        for subcommand in command.visibleSubcommands { append(subcommand, prefix: name, to: &sections) }
    }

    private static let preamble = """
        # Command line

        Made by `vers generate-docs`; do not edit.

        ## Naming VMs and commits

        Wherever a VM is named, its alias, its id, and the first 4 or more characters of its id will do, as long as \
        they fit one VM only. Commits are named by a tag, by `repo:tag`, by their id, or by the beginning of it; an alias \
        wins over a tag, a tag over the beginning of an id. `org/repo:tag` names what another organisation has made \
        public. A command without a VM acts on \
        HEAD, the VM whose id is in `.vers/HEAD` of the working directory. `run` and `run-commit` move HEAD, `branch` \
        only with `--checkout`; deleting a VM empties HEAD and drops the VM's aliases.

        ## Output

        Results go to stdout; progress, warnings and errors to stderr. `--format json` writes the result as JSON, `-q` \
        ids only, one per line. An error is a line `error: ...`, often followed by what to do: `hint: ...`. Colour is \
        used on terminals, unless `NO_COLOR` is set. Output that cannot be written, as on a full disk, is a failure; a \
        reader that goes away, as `head` does, is none.

        `vers completion SHELL` prints a script that completes commands, options, and the names of VMs, commits, tags \
        and images that there are.

        ## Exit status

        | status | meaning |
        |---|---|
        | 0 | success |
        | 1 | any other failure |
        | 2 | the API key is missing or refused, or does not allow it |
        | 3 | not found |
        | 4 | conflict: the state does not allow it, or something needs the object |
        | 5 | bad arguments |
        | 6 | timeout |
        | 7 | cancelled |
        | 130 | interrupted: what the server was asked to do goes on |
        | 141 | whoever read the output of `execute` or `logs` went away |

        `execute` and `connect` exit with the remote command's code.

        ## Files and environment

        | name | meaning |
        |---|---|
        | `vers.toml` | what `run` starts in this directory; see `vers init` |
        | `.vers/HEAD` | the VM that commands in this directory act on |
        | `~/.vers/aliases.json` | aliases |
        | `~/.versrc` | the API key that `login` or `signup` saved |
        | `.env` | settings below, where the environment does not have them |
        | `VERS_HOME` | the directory of this user's instance: `/var/lib/vers` for root, else `~/.local/share/vers` |
        | `VERS_URL` | the URL of another instance, used instead; nothing is started then |
        | `VERS_API_KEY` | the key to use: for `VERS_URL`, and without that for this user's instance in place of its owner's |
        | `VERS_AUTOSTART` | `0`: say that no daemon runs instead of starting it |
        | `NO_COLOR` | any value: no colour |
        """
}

extension StringProtocol {
    fileprivate var trimmingTrailingSpaces: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
