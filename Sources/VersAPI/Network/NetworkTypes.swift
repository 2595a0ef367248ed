/// How a VM is connected.
public enum NetworkMode: String, Sendable, Hashable, CaseIterable {
    /// The monitor's user-mode network: a network of its own for every VM, without privileges.
    case user
    /// An address of its own in the private network of its tree. Needs a daemon that runs as root.
    case bridge
}

/// What a VM in a private network may reach outside it. The private network itself is always open.
public enum EgressMode: String, Sendable, Hashable, CaseIterable {
    case open
    case none
    /// Only what `allow` names.
    case list
}

/// `network` of a new VM. Absent means the user-mode network.
public struct NetworkConfiguration: Codable, Sendable, Equatable {
    public var mode: NetworkMode
    /// Absent: `list` when there is an `allow`, else `open`.
    public var egress: EgressMode?
    /// `host`, `host:port` or `host:port/udp`, where the host is a name, an IPv4 address or a network.
    public var allow: [String]?

    public init(mode: NetworkMode, egress: EgressMode? = nil, allow: [String]? = nil) {
        self.mode = mode
        self.egress = egress
        self.allow = allow
    }
}

/// `PATCH /vm/{id}/network`: another egress policy, at once.
public struct EgressRequest: Codable, Sendable, Equatable {
    /// Absent: `list`.
    public var egress: EgressMode?
    public var allow: [String]?

    public init(egress: EgressMode? = nil, allow: [String]? = nil) {
        self.egress = egress
        self.allow = allow
    }
}

/// The network of a VM, in its metadata.
public struct MachineNetworkInfo: Codable, Sendable, Equatable {
    public var mode: NetworkMode
    /// The address that other VMs of the tree reach it at. Absent in a user-mode network.
    public var address: String?
    /// The names that other VMs of the tree find it under.
    public var names: [String]?
    /// Absent in a user-mode network.
    public var egress: EgressMode?
    public var allow: [String]?

    public init(
        mode: NetworkMode,
        address: String? = nil,
        names: [String]? = nil,
        egress: EgressMode? = nil,
        allow: [String]? = nil
    ) {
        self.mode = mode
        self.address = address
        self.names = names
        self.egress = egress
        self.allow = allow
    }
}

extension NetworkMode: Codable {
    public init(from decoder: any Decoder) throws { self = try decodeChoice(of: "network mode", from: decoder) }
}

extension EgressMode: Codable {
    public init(from decoder: any Decoder) throws { self = try decodeChoice(of: "egress policy", from: decoder) }
}

private func decodeChoice<Choice>(of what: String, from decoder: any Decoder) throws -> Choice
where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Choice(rawValue: text) else {
        let expected = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw DecodingError.dataCorruptedError(
            in: container,
            debugDescription: "invalid \(what) '\(text.prefix(64))': expected one of \(expected)"
        )
    }
    return value
}
