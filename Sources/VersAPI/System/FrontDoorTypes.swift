/// `GET /api/v1/system/front-door`: how to reach VMs from outside.
public struct FrontDoorResponse: Codable, Sendable, Equatable {
    /// Whether it accepts connections.
    public var is_listening: Bool
    /// The address that it listens on; where it should, when it does not.
    public var address: String
    /// Nil when it does not listen.
    public var port: UInt16?
    /// VMs are called `<vm-id>.vm.<domain>`.
    public var domain: String
    /// A connection to one of these goes to the same port of the guest.
    public var extra_ports: [UInt16]
    /// The certificate of the instance's own authority, in PEM form.
    public var ca_certificate: String?
    /// What keeps it, or one of its ports, from listening.
    public var problem: String?

    public init(
        is_listening: Bool,
        address: String,
        port: UInt16?,
        domain: String,
        extra_ports: [UInt16],
        ca_certificate: String?,
        problem: String?
    ) {
        self.is_listening = is_listening
        self.address = address
        self.port = port
        self.domain = domain
        self.extra_ports = extra_ports
        self.ca_certificate = ca_certificate
        self.problem = problem
    }
}

extension FrontDoorResponse {
    /// The name under which a guest's port is reached.
    /// - Parameter guestPort: nil for what the VM's name leads to by itself.
    public func hostName(of machine: MachineID, port guestPort: UInt16? = nil) -> String {
        let front = guestPort.map { "\($0)-" } ?? ""
        return "\(front)\(machine).vm.\(domain)"
    }

    /// Where a browser finds it; nil when the front door does not listen.
    public func url(of machine: MachineID, port guestPort: UInt16? = nil) -> String? {
        guard let port else { return nil }
        return "https://\(hostName(of: machine, port: guestPort))\(port == 443 ? "" : ":\(port)")/"
    }
}

/// Connections through the front door, by what they are; part of `GET /health`.
public struct FrontDoorCounters: Codable, Sendable, Equatable {
    public var ssh = DoorConnectionCounters()
    public var http = DoorConnectionCounters()
    /// Not among those of HTTP. Told by the first request of a connection.
    public var websocket = DoorConnectionCounters()
    /// Of `vers` itself.
    public var tunnel = DoorConnectionCounters()
    public var other = DoorConnectionCounters()
    /// Those that ended before it was known what they wanted: no TLS, a name of no VM, an untrusted certificate.
    public var refused_total: UInt64 = 0

    public init() {}
}

public struct DoorConnectionCounters: Codable, Sendable, Equatable {
    public var connections_total: UInt64 = 0
    public var connections_active: UInt64 = 0
    /// Guests that did not take a connection, by error code.
    public var errors: [String: UInt64] = [:]

    public init() {}
}
