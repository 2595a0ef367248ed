internal import Foundation
internal import HostSystem
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// One of a tree's name servers: a dnsmasq that goes on without the daemon.
struct NameServer: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        /// For VMs that may reach everything.
        case open
        /// For the others: it asks outside only for names that are on a list, and notes their addresses.
        case limited
    }

    /// How long others may keep an answer, in seconds: what a name means must be known to the rules.
    private static let longestLifetime = 60
    private static let stopTimeout: Duration = .seconds(5)
    /// A name server that was told of a change has read it before it hears the next question; it may have to wait for a
    /// processor, though.
    private static let answerTimeout: Duration = .seconds(10)

    let kind: Kind
    let directory: FilePath

    var configurationFile: FilePath { directory.appending("\(kind.rawValue).conf") }
    private var pidFile: FilePath { directory.appending("\(kind.rawValue).pid") }
    var hosts: FilePath { directory.appending("hosts") }

    func configuration(router: IPv4Address, resolvers: Resolvers, allowedNames: [String]) -> String {
        var lines = [
            "listen-address=\(router)",
            "bind-interfaces",
            "pid-file=\(pidFile)",
            "user=nobody",
            "no-hosts",
            "hostsdir=\(hosts)",
            "local=/\(MachineNetwork.domain)/",
            "domain-needed",
            // There is no IPv6 to reach its addresses by.
            "filter-AAAA",
            "max-ttl=\(Self.longestLifetime)",
        ]
        switch kind {
        case .open:
            lines.append("port=\(port)")
            if let file = resolvers.file {
                lines.append("resolv-file=\(file)")
            } else {
                lines += ["no-resolv"] + resolvers.given.map { "server=\($0)" }
            }
        case .limited:
            lines += ["port=\(port)", "no-resolv", "max-cache-ttl=\(Self.longestLifetime)"]
            for name in allowedNames {
                lines += resolvers.addresses.map { "server=/\(name)/\($0)" }
                lines.append("nftset=/\(name)/4#ip#\(NetworkNames.table)#\(TreeRules.setName(of: name))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The process, if it runs.
    func process() -> ProcessHandle? {
        guard let text = try? HostFile.readText(pidFile, limitInBytes: 32),
            let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)),
            // Taken first: from then on the pid cannot be another's unnoticed.
            let handle = try? ProcessHandle(pid: pid),
            let words = try? HostFile.readText(FilePath("/proc/\(pid)/cmdline"), limitInBytes: 4096),
            words.contains("--conf-file=\(configurationFile)")
        else { return nil }
        return handle
    }

    /// Ends it. Returns when it is gone.
    func stop() async throws {
        guard let handle = process() else { return }
        try handle.signal(SIGTERM)
        if await handle.waitForExit(timeout: Self.stopTimeout) == nil {
            try handle.signal(SIGKILL)
            _ = await handle.waitForExit(timeout: Self.stopTimeout)
        }
        try HostFile.remove(pidFile)
    }

    /// Has it read the names again.
    func reload() throws { try process()?.signal(SIGHUP) }

    private var port: UInt16 {
        switch kind {
        case .open: 53
        case .limited: TreeRules.limitedResolverPort
        }
    }

    /// Asks until it answers as it should. Blocks.
    /// - Parameter socket: an unconnected datagram socket in the tree's namespace.
    /// - Throws: `.timedOut` naming the first name that it has wrong.
    func confirm(_ expectations: [NameExpectation], at router: IPv4Address, over socket: Int32) throws {
        try NameQuery.connect(socket, to: router, port: port)
        let deadline = ContinuousClock.now + Self.answerTimeout
        for (index, expectation) in expectations.enumerated() {
            let query = NameQuery(number: UInt16(truncatingIfNeeded: index), name: expectation.name)
            guard try query.ask(over: socket, until: deadline, for: expectation) else {
                throw VersError(
                    .timedOut,
                    "a name server had '\(expectation.name)' \(expectation.isPresent ? "not yet" : "still") as "
                        + "\(expectation.address) after \(Self.answerTimeout)"
                )
            }
        }
    }
}
