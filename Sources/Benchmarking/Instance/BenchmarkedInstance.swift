import Foundation
public import SystemPackage
import VersAPI
import VersClient

/// The instance whose daemon is measured.
public struct BenchmarkedInstance: Sendable {
    /// What the benchmark needs of `daemon.json`.
    private struct Description: Decodable {
        var pid: Int32
        var version: String
    }

    let home: FilePath
    let daemonPID: Int32
    let version: String
    let client: VersClient
    let log: DaemonLog

    /// Finds the daemon that serves `home` and writes its log to `versd.log` in it.
    /// - Throws: ``VersError`` `.notFound` when none does.
    public init(home: FilePath) throws {
        let description = home.appending("daemon.json")
        guard let data = try? Data(contentsOf: URL(filePath: description.string)) else {
            throw VersError(.notFound, "no versd serves \(home)", hint: "run the benchmark with: make bench")
        }
        let decoded = try JSONDecoder().decode(Description.self, from: data)
        let key = try String(contentsOfFile: home.appending("owner.key").string, encoding: .utf8)
        self.home = home
        daemonPID = decoded.pid
        version = decoded.version
        client = try VersClient(
            unixSocket: home.appending("versd.sock"),
            apiKey: key.trimmingCharacters(in: .whitespacesAndNewlines)
        )
        log = DaemonLog(path: home.appending("versd.log"))
    }
}
