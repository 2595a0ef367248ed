import VersAPI

/// The name of an image in a registry, as Docker writes it: `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`.
public struct ImageReference: Sendable, Equatable {
    static let defaultHost = "registry-1.docker.io"
    static let defaultTag = "latest"

    /// With the port when one is named.
    public let host: String
    public let repository: String
    /// A tag, or a digest, which wins.
    public let version: String

    public var isDigest: Bool { version.hasPrefix("sha256:") }

    /// Whether the registry is this machine, so that plain HTTP is no risk.
    public var isLoopback: Bool {
        let name =
            host.hasPrefix("[") ? String(host.dropFirst().prefix { $0 != "]" }) : String(host.prefix { $0 != ":" })
        let octets = name.split(separator: ".", omittingEmptySubsequences: false)
        return name == "localhost" || name == "::1"
            || (octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil })
    }

    /// - Throws: `.invalidArgument` naming the reference.
    public init(_ text: String) throws {
        var rest = text[...]
        var digest: String?
        if let at = rest.lastIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        var host = Self.defaultHost
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" {
                host = ["docker.io", "index.docker.io"].contains(first) ? Self.defaultHost : String(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        var tag = Self.defaultTag
        if let colon = rest.lastIndex(of: ":") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        let name = String(rest)
        guard Self.isHost(host), Self.isRepository(name), Self.isTag(tag), digest.map(Self.isDigest) ?? true else {
            throw VersError(
                .invalidArgument,
                "invalid image reference '\(text.prefix(200))': expected [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST]",
                hint: "for example: debian:bookworm-slim, or 127.0.0.1:5000/team/app:1.2"
            )
        }
        self.host = host
        repository = host == Self.defaultHost && !name.contains("/") ? "library/\(name)" : name
        version = digest ?? tag
    }

    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.first.map { isAlphanumeric($0) || $0 == UInt8(ascii: "[") } ?? false
            && text.utf8.allSatisfy { isAlphanumeric($0) || ".-:[]".utf8.contains($0) }
    }

    private static func isRepository(_ text: String) -> Bool {
        guard (1...255).contains(text.utf8.count) else { return false }
        return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            let bytes = Array(part.utf8)
            guard let first = bytes.first, let last = bytes.last, isLower(first), isLower(last) else { return false }
            return bytes.allSatisfy { isLower($0) || "._-".utf8.contains($0) }
        }
    }

    private static func isTag(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && !text.hasPrefix(".") && !text.hasPrefix("-")
            && text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isDigest(_ text: String) -> Bool {
        text.hasPrefix("sha256:") && text.utf8.count == 71
            && text.utf8.dropFirst(7).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte) || (0x41...0x5A).contains(byte) }
}
