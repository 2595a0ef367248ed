/// Begins a session.
public struct Hello: Equatable, Sendable {
    public var nonce: SessionNonce
    public var oldestVersion: UInt16
    public var newestVersion: UInt16

    public init(
        nonce: SessionNonce,
        oldestVersion: UInt16 = ProtocolLimits.oldestVersion,
        newestVersion: UInt16 = ProtocolLimits.newestVersion
    ) {
        self.nonce = nonce
        self.oldestVersion = oldestVersion
        self.newestVersion = newestVersion
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        nonce = SessionNonce(id: try reader.readID("nonce"))
        oldestVersion = try reader.read("oldest version")
        newestVersion = try reader.read("newest version")
        try reader.finish()
    }

    public var frame: Frame {
        var writer = ByteWriter()
        writer.write(nonce.id)
        writer.write(oldestVersion)
        writer.write(newestVersion)
        return Frame(.hello, session: nonce.session, channel: 0, payload: writer.bytes)
    }

    /// The newest version that both sides speak, or nil.
    public var commonVersion: UInt16? {
        let version = min(newestVersion, ProtocolLimits.newestVersion)
        return version >= max(oldestVersion, ProtocolLimits.oldestVersion) ? version : nil
    }
}

/// Answers ``Hello``.
public struct HelloAcknowledgement: Equatable, Sendable {
    private static let firstVersionWithIdentity: UInt16 = 2

    public var nonce: SessionNonce
    /// The version of this session; 0 when the two sides have none in common, and the session does not begin.
    public var version: UInt16
    public var facts: GuestFacts

    public init(nonce: SessionNonce, version: UInt16, facts: GuestFacts) {
        self.nonce = nonce
        self.version = version
        self.facts = facts
    }

    public init(decoding payload: [UInt8]) throws(ProtocolError) {
        var reader = ByteReader(payload)
        nonce = SessionNonce(id: try reader.readID("nonce"))
        version = try reader.read("version")
        facts = GuestFacts(
            agentVersion: try reader.readText("agent version", limit: 64),
            kernelRelease: try reader.readText("kernel release", limit: 128),
            initName: try reader.readText("init", limit: ProtocolLimits.pathInBytes)
        )
        if version >= Self.firstVersionWithIdentity { facts.hasIdentity = try reader.readBool("has identity") }
        try reader.finish()
    }

    public var frame: Frame {
        var writer = ByteWriter()
        writer.write(nonce.id)
        writer.write(version)
        writer.write(facts.agentVersion)
        writer.write(facts.kernelRelease)
        writer.write(facts.initName)
        if version >= Self.firstVersionWithIdentity { writer.write(facts.hasIdentity) }
        return Frame(.helloAcknowledgement, session: nonce.session, channel: 0, payload: writer.bytes)
    }
}

/// What a guest tells about itself at the start of a session.
public struct GuestFacts: Equatable, Sendable {
    public var agentVersion: String
    public var kernelRelease: String
    /// The path of the image's init; empty when the agent is it.
    public var initName: String
    /// Whether this agent was told whose machine it serves. One that was started again was not; of an agent before version 2
    /// it is taken for granted.
    public var hasIdentity: Bool

    public init(agentVersion: String, kernelRelease: String, initName: String, hasIdentity: Bool = true) {
        self.agentVersion = agentVersion
        self.kernelRelease = kernelRelease
        self.initName = initName
        self.hasIdentity = hasIdentity
    }
}
