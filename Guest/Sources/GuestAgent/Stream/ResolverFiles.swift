import CGuest
import Glibc

/// What the guest's files say about names, as glibc reads them.
struct ResolverFiles {
    static let hostsPath = "/etc/hosts"
    static let resolverPath = "/etc/resolv.conf"
    private static let serverLimit = 3
    private static let searchLimit = 6

    private(set) var servers: [cguest_address] = []
    private(set) var search: [HostName] = []

    /// - Parameter text: the content of `/etc/resolv.conf`.
    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = Self.fields(line)
            guard fields.count > 1 else { continue }
            var address = cguest_address()
            switch fields[0] {
            case "nameserver" where servers.count < Self.serverLimit && cguest_parse_address(fields[1], &address):
                servers.append(address)
            case "search", "domain": search = fields.dropFirst().prefix(Self.searchLimit).compactMap(HostName.init)
            default: break
            }
        }
        if servers.isEmpty { servers = ["127.0.0.1"].compactMap(Self.address) }
    }

    /// The names to ask for, one after the other.
    func candidates(for name: HostName) -> [HostName] {
        let qualified = search.compactMap { HostName("\(name.text).\($0.text)") }
        return name.labels.count > 1 ? [name] + qualified : qualified + [name]
    }

    /// - Parameter text: the content of `/etc/hosts`.
    static func addresses(of name: HostName, inHosts text: String) -> [cguest_address] {
        if name.labels.last?.lowercased() == "localhost" { return ["127.0.0.1", "::1"].compactMap(address) }
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = fields(line)
            guard fields.dropFirst().contains(where: { HostName($0)?.text == name.text }) else { return nil }
            return address(fields[0])
        }
    }

    private static func fields(_ line: Substring) -> [String] {
        line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func address(_ text: String) -> cguest_address? {
        var address = cguest_address()
        return cguest_parse_address(text, &address) ? address : nil
    }
}
