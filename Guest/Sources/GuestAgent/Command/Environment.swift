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
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            var rest = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if rest.starts(with: "export ".utf8) { rest = rest.dropFirst(7).drop { $0 == UInt8(ascii: " ") } }
            guard rest.first != UInt8(ascii: "#"), let equals = rest.firstIndex(of: UInt8(ascii: "=")),
                equals != rest.startIndex
            else { continue }
            var value = rest[rest.index(after: equals)...]
            while let last = value.last, [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains(last) {
                value = value.dropLast()
            }
            if let quote = value.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"), value.count >= 2,
                value.last == quote
            {
                value = value.dropFirst().dropLast()
            }
            variables.append((String(Substring(rest[..<equals])), String(Substring(value))))
        }
        return variables
    }
}
