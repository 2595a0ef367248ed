import VersAPI

/// What a VM may reach outside its private network.
public enum EgressPolicy: Sendable, Hashable {
    case open
    case none
    case list([EgressTarget])

    static let entryCount = 256

    /// - Throws: `.invalidArgument` naming the entry that is wrong, or what does not go together.
    init(_ mode: EgressMode?, allow: [String]?) throws {
        switch (mode, allow) {
        case (nil, nil), (.open, nil): self = .open
        case (EgressMode.none?, nil): self = .none
        case (nil, let allow?), (.list, let allow?):
            guard allow.count <= Self.entryCount else {
                throw VersError(
                    .invalidArgument,
                    "\(allow.count) entries in 'allow' are too many: expected at most \(Self.entryCount)"
                )
            }
            self = .list(try allow.map(EgressTarget.init(parsing:)))
        case (.list, nil):
            throw VersError(
                .invalidArgument,
                "egress 'list' without 'allow'",
                hint: "name what may be reached, or use 'none'"
            )
        case (let mode?, .some):
            throw VersError(
                .invalidArgument,
                "egress '\(mode.rawValue)' does not go with 'allow'",
                hint: "leave egress out, or say 'list'"
            )
        }
    }

    var mode: EgressMode {
        switch self {
        case .open: .open
        case .none: .none
        case .list: .list
        }
    }

    var allow: [String]? {
        guard case .list(let targets) = self else { return nil }
        return targets.map(\.description)
    }
}

/// One entry of an allow list.
public struct EgressTarget: Sendable, Hashable, CustomStringConvertible {
    public enum Host: Sendable, Hashable {
        case network(IPv4Network)
        /// Itself and everything below it.
        case name(String)
    }

    public enum TransportProtocol: String, Sendable, Hashable {
        case tcp
        case udp
    }

    public let host: Host
    /// Nil: every port.
    public let port: UInt16?
    /// Nil: both.
    public let transport: TransportProtocol?

    /// `host`, `host:port`, `host:port/tcp` or `host:port/udp`; a port alone means TCP.
    init(parsing text: String) throws {
        let (hostText, portText) = Self.split(text)
        if let network = IPv4Network(hostText) {
            host = .network(network)
        } else if DNSName.isValid(hostText) {
            host = .name(hostText.lowercased())
        } else {
            throw Self.invalid(text)
        }
        guard let portText else {
            port = nil
            transport = nil
            return
        }
        let parts = portText.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, first.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt16(first), number > 0, parts.count <= 2
        else { throw Self.invalid(text) }
        port = number
        guard parts.count == 2 else {
            transport = .tcp
            return
        }
        guard let named = TransportProtocol(rawValue: String(parts[1])) else { throw Self.invalid(text) }
        transport = named
    }

    public var description: String {
        let hostText =
            switch host {
            case .network(let network): network.prefixLength == 32 ? "\(network.address)" : "\(network)"
            case .name(let name): name
            }
        guard let port else { return hostText }
        return transport == .udp ? "\(hostText):\(port)/udp" : "\(hostText):\(port)"
    }

    private static func split(_ text: String) -> (host: String, port: String?) {
        guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    private static func invalid(_ text: String) -> VersError {
        VersError(
            .invalidArgument,
            "invalid entry '\(text.prefix(280))' in 'allow': expected host, host:port or host:port/udp, where the host is "
                + "a DNS name, an IPv4 address or a network such as 192.0.2.0/24"
        )
    }
}

extension EgressPolicy: Codable {
    private enum Key: CodingKey {
        case mode
        case allow
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            try container.decode(EgressMode.self, forKey: .mode),
            allow: try container.decodeIfPresent([String].self, forKey: .allow)
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(mode, forKey: .mode)
        try container.encodeIfPresent(allow, forKey: .allow)
    }
}

/// The rules of host names.
enum DNSName {
    /// 1 to 63 letters, digits and dashes, neither first nor last a dash.
    static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        guard (1...63).contains(bytes.count), bytes.first != dash, bytes.last != dash else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, dash: true
            default: false
            }
        }
    }

    /// Labels between dots. One whose last label is a number would be taken for an address by somebody.
    static func isValid(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last else { return false }
        return labels.allSatisfy(isLabel) && !last.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
