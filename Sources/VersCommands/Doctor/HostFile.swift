import Foundation

/// Small text files of the kernel.
enum HostFile {
    static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    /// The value of the first line `name : value`.
    static func field(_ name: String, in path: String) -> String? {
        for line in (text(path) ?? "").split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].trimmed == name else { continue }
            return line[line.index(after: colon)...].trimmed
        }
        return nil
    }
}

/// Programs and files of this installation and of the host.
enum ExecutableSearch {
    static func find(_ name: String, path: String) -> String? {
        path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Where a file of ours may lie: beside this executable, or in the `lib/vers` of its prefix.
    static func beside(_ name: String) -> [String] {
        guard let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return [] }
        let directory = (own as NSString).deletingLastPathComponent
        return ["\(directory)/\(name)", "\((directory as NSString).deletingLastPathComponent)/lib/vers/\(name)"]
    }

    /// What a short program prints first; nil when it fails. Blocks.
    static func firstLine(of executable: String, _ arguments: [String]) -> String? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
}
