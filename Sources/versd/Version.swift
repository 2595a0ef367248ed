import Foundation
import VersAPI

/// The version of the daemon.
enum Version {
    static let current = ProductVersion.text

    static var response: VersionResponse {
        VersionResponse(executable_name: "versd", workspace_version: current, git_hash: revision)
    }

    /// The commit that was built. `make build` leaves it beside the executable, `make install` in `lib/vers`.
    private static var revision: String {
        guard let executable = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return "unknown" }
        let directory = executable.deletingLastPathComponent()
        for candidate in ["REVISION", "../lib/vers/REVISION"] {
            if let text = try? String(contentsOf: directory.appending(path: candidate), encoding: .utf8) {
                return text.trimmingCharacters(in: .whitespacesAndNewlines)
            }
        }
        return "unknown"
    }
}
