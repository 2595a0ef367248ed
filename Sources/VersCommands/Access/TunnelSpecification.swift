import VersAPI

/// One forwarding of `vers tunnel`: `<from>:<to>` or `<from>:<host>:<to>`.
struct TunnelSpecification: Equatable {
    /// Where it listens; 0 takes a free port.
    var listening: UInt16
    /// As the other end sees it; nil means that end itself.
    var host: String?
    var target: UInt16

    /// - Throws: `.invalidArgument` that names what is wrong.
    init(_ text: String) throws {
        let (first, rest) = Self.split(text[...]) { $0.firstIndex(of: ":") }
        let (middle, last) = Self.split(rest ?? "") { $0.lastIndex(of: ":") }
        guard let rest else { throw Self.invalid(text, "expected <local>:<remote> or <local>:<host>:<remote>") }
        listening = try Self.port(first, in: text, from: 0)
        guard let last else {
            target = try Self.port(rest, in: text, from: 1)
            return
        }
        target = try Self.port(last, in: text, from: 1)
        host = try Self.host(middle, in: text)
    }

    /// Whether a word is meant as a forwarding: names of VMs have no colon.
    static func isOne(_ word: String) -> Bool { word.contains(":") }

    private static func split(
        _ text: Substring,
        at index: (Substring) -> Substring.Index?
    ) -> (Substring, Substring?) {
        guard let index = index(text) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func port(_ word: Substring, in text: String, from minimum: UInt16) throws -> UInt16 {
        guard word.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(word),
            port >= minimum
        else { throw invalid(text, "port '\(word.prefix(40))' is not one: expected \(minimum) to 65535") }
        return port
    }

    /// A name or an address, an IPv6 one in brackets.
    private static func host(_ word: Substring, in text: String) throws -> String {
        let isBracketed = word.hasPrefix("[") && word.hasSuffix("]") && word.count > 2
        let host = isBracketed ? word.dropFirst().dropLast() : word
        let allowed = Set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_" + (isBracketed ? ":%" : "")
        )
        guard !host.isEmpty, host.utf8.count <= 255, host.first != "-", host.allSatisfy(allowed.contains) else {
            throw invalid(text, "host '\(word.prefix(80))' is no name or address; write an IPv6 address in brackets")
        }
        return String(host)
    }

    private static func invalid(_ text: String, _ reason: String) -> VersError {
        VersError(.invalidArgument, "invalid tunnel '\(text.prefix(300))': \(reason)")
    }

    /// How `ssh -R` wants it.
    var sshForwarding: String {
        let name = host ?? "localhost"
        return "\(listening):\(name.contains(":") ? "[\(name)]" : name):\(target)"
    }
}
