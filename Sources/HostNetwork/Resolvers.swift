internal import Foundation
internal import SystemPackage
internal import VersCore

/// Who answers what private networks do not know themselves.
struct Resolvers: Sendable, Hashable {
    private static let standard: FilePath = "/etc/resolv.conf"
    /// Where systemd-resolved keeps the servers behind the one on loopback that it gives to others.
    private static let behindResolved: FilePath = "/run/systemd/resolve/resolv.conf"

    /// What the operator has said; empty: the host's own.
    let given: [IPv4Address]

    /// A file of the host to follow. Nil when the operator has said who.
    var file: FilePath? {
        guard given.isEmpty else { return nil }
        let isLocalOnly = Self.servers(in: Self.standard).allSatisfy(Self.isLoopback)
        return isLocalOnly && access(Self.behindResolved.string, R_OK) == 0 ? Self.behindResolved : Self.standard
    }

    /// At this moment. One on loopback is out of a network's reach.
    var addresses: [IPv4Address] {
        guard let file else { return given }
        return Self.servers(in: file).filter { !Self.isLoopback($0) }
    }

    static func servers(in file: FilePath) -> [IPv4Address] {
        servers(text: (try? String(contentsOfFile: file.string, encoding: .utf8)) ?? "")
    }

    static func servers(text: String) -> [IPv4Address] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            return IPv4Address(String(words[1]))
        }
    }

    private static func isLoopback(_ address: IPv4Address) -> Bool { address.number >> 24 == 127 }
}
