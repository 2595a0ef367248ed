internal import Foundation
internal import Glibc
internal import Subprocess
internal import SystemPackage
internal import VersAPI

/// The host's programs that change networks.
struct NetworkTools: Sendable {
    /// Which Debian package brings each.
    private static let packages = [
        "ip": "iproute2", "nft": "nftables", "dnsmasq": "dnsmasq-base", "nsenter": "util-linux",
    ]
    private static let messageBytes = 4000
    private static let outputBytes = 1 << 20
    private static let deadline: Duration = .seconds(30)

    let ip: FilePath
    let nft: FilePath
    let dnsmasq: FilePath
    let nsenter: FilePath

    /// - Throws: `.unsupported` naming the programs that are missing.
    init() throws {
        let found = Self.packages.keys.reduce(into: [String: FilePath]()) { $0[$1] = Self.find($1) }
        guard let ip = found["ip"], let nft = found["nft"], let dnsmasq = found["dnsmasq"],
            let nsenter = found["nsenter"]
        else {
            let missing = Self.packages.keys.filter { found[$0] == nil }.sorted()
            throw VersError(
                .unsupported,
                "private networks need programs that this host lacks: \(missing.joined(separator: ", "))",
                hint: "apt-get install \(missing.compactMap { Self.packages[$0] }.joined(separator: " "))"
            )
        }
        (self.ip, self.nft, self.dnsmasq, self.nsenter) = (ip, nft, dnsmasq, nsenter)
    }

    /// Changes interfaces, addresses and routes: lines for `ip -batch`.
    /// - Parameter namespace: the name of the namespace; nil for the daemon's own.
    func links(_ lines: [String], in namespace: String? = nil) async throws {
        let place = namespace.map { ["-n", $0] } ?? []
        _ = try await run(ip, place + ["-batch", "-"], input: lines.joined(separator: "\n") + "\n")
    }

    /// The IPv4 addresses of the daemon's namespace, a line each.
    func addresses() async throws -> String { try await run(ip, ["-4", "-oneline", "address", "show"], input: "") }

    /// Loads rules, all or none.
    func rules(_ script: String, in namespace: FilePath? = nil) async throws {
        guard let namespace else {
            _ = try await run(nft, ["-f", "-"], input: script)
            return
        }
        _ = try await run(nsenter, ["--net=\(namespace)", nft.string, "-f", "-"], input: script)
    }

    /// Starts a name server that goes on by itself. It serves when the call returns.
    func startNameServer(_ configuration: FilePath, in namespace: FilePath) async throws {
        let arguments = ["--net=\(namespace)", dnsmasq.string, "--conf-file=\(configuration)"]
        _ = try await run(nsenter, arguments, input: "")
    }

    /// Runs a program to its end, whatever becomes of the calling task: one that is cut off leaves half of its work.
    private func run(_ executable: FilePath, _ arguments: [String], input: String) async throws -> String {
        try await Task {
            try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await Self.run(executable, arguments, input: input) }
                group.addTask {
                    try await Task.sleep(for: Self.deadline)
                    throw VersError(.timedOut, "\(executable) did not end within \(Self.deadline)")
                }
                defer { group.cancelAll() }
                return try await group.next() ?? ""
            }
        }.value
    }

    private static func run(_ executable: FilePath, _ arguments: [String], input: String) async throws -> String {
        let result = try await Subprocess.run(
            .path(executable),
            arguments: Arguments(arguments),
            environment: .custom(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]),
            input: .string(input),
            output: .string(limit: outputBytes),
            error: .string(limit: messageBytes)
        )
        guard result.terminationStatus.isSuccess else {
            let message = result.standardError.split(separator: "\n").prefix(3).joined(separator: "; ")
            throw VersError(.internal, "\(executable) failed (\(result.terminationStatus)): \(message)")
        }
        return result.standardOutput
    }

    /// Looks in `PATH` and where Debian keeps the administrator's programs.
    private static func find(_ name: String) -> FilePath? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let directories = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
        let candidates: [String] = directories.map { "\($0)/\(name)" }
        return candidates.first { access($0, X_OK) == 0 }.map { FilePath($0) }
    }
}
