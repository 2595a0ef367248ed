import HostSystem
import SystemPackage
import VersAPI

/// Options that the daemon of an instance has whoever starts it, in a file in its home. What the command line says wins.
///
///     # versd.conf
///     domain = vms.example.com
///     front-door = 0.0.0.0:443
enum OptionsFile {
    static let name = "versd.conf"
    private static let limitInBytes = 65_536
    /// Are of the command line: the file is found by the one, and the other is a descriptor of whoever starts the daemon.
    private static let refused: Set<String> = ["home", "ready-fd", "help", "version"]

    /// The file's options as arguments, none when there is no file.
    /// - Parameter arguments: those of the command line.
    static func arguments(besides arguments: [String]) throws -> [String] {
        let file = try Instance.home(given: home(in: arguments)).appending(name)
        let text: String
        do {
            text = try HostFile.readText(file, limitInBytes: limitInBytes)
        } catch let error as HostError where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
            return []
        }
        return try parse(text, of: file)
    }

    private static func home(in arguments: [String]) -> String? {
        if let given = arguments.last(where: { $0.hasPrefix("--home=") }) { return String(given.dropFirst(7)) }
        guard let index = arguments.lastIndex(of: "--home"), index + 1 < arguments.count else { return nil }
        return arguments[index + 1]
    }

    private static func parse(_ text: String, of file: FilePath) throws -> [String] {
        try text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            let line = line.trimmingPrefix { $0.isWhitespace }
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
            guard parts.count == 2, !parts[0].isEmpty, !parts[0].hasPrefix("-"), !refused.contains(parts[0]) else {
                throw VersError(
                    .invalidArgument,
                    "\(file), line \(index + 1): expected 'option = value', with an option of versd without its dashes",
                    hint: "versd --help lists them; home and ready-fd cannot be set here"
                )
            }
            return "--\(parts[0])=\(parts[1])"
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0.isWhitespace }
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
