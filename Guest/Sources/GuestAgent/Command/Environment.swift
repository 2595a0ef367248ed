import Glibc
import GuestProtocol

/// The environment of commands: defaults, the image's variables, `/etc/environment`, the identity's, the request's.
enum Environment {
    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    static func merged(
        request: [EnvironmentVariable],
        identity: [EnvironmentVariable],
        image: [EnvironmentVariable] = [],
        hasTerminal: Bool
    ) -> [String: String] {
        var environment = [
            "PATH": defaultPath,
            "HOME": "/root",
            "USER": "root",
            "LOGNAME": "root",
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
        ]
        if hasTerminal { environment["TERM"] = "xterm-256color" }
        for variable in image { environment[variable.name] = variable.value }
        if let file = SmallFile.readText("/etc/environment") {
            for (name, value) in parse(file) { environment[name] = value }
        }
        for variable in identity + request { environment[variable.name] = variable.value }
        return environment
    }

    /// The format of `pam_env`: `NAME=value` lines, an optional `export`, one pair of quotes around the value.
    static func parse(_ text: String) -> [(name: String, value: String)] {
        var variables: [(name: String, value: String)] = []
        for line in text.split(separator: "\n") {
            var rest = line.drop { $0 == " " || $0 == "\t" }
            if rest.hasPrefix("export ") { rest = rest.dropFirst(7).drop { $0 == " " } }
            guard !rest.hasPrefix("#"), let equals = rest.firstIndex(of: "="), equals != rest.startIndex else {
                continue
            }
            var value = rest[rest.index(after: equals)...]
            while let last = value.last, last == " " || last == "\t" || last == "\r" { value = value.dropLast() }
            if let quote = value.first, quote == "\"" || quote == "'", value.count >= 2, value.last == quote {
                value = value.dropFirst().dropLast()
            }
            variables.append((String(rest[..<equals]), String(value)))
        }
        return variables
    }
}
