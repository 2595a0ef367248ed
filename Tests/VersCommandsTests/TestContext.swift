import Foundation
import VersAPI

@testable import VersCommands

/// A home and a working directory of a test's own, removed with it.
final class TestContext {
    let root: String
    let output = OutputBuffer()
    let errors = OutputBuffer()
    var environment: [String: String] = ["VERS_AUTOSTART": "0"]
    var answer: String?

    init() throws {
        root = NSTemporaryDirectory() + "vers-cli-\(UUID().uuidString)"
        for name in ["home", "work"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
        }
    }

    /// Another home with nothing in it, and the same environment.
    func anew() throws -> TestContext {
        let other = try TestContext()
        other.environment = environment
        return other
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var context: CommandContext {
        let answer = answer
        var environment = environment
        environment["VERS_HOME"] = environment["VERS_HOME"] ?? "\(root)/instance"
        return CommandContext(
            environment: environment,
            workingDirectory: "\(root)/work",
            home: "\(root)/home",
            output: output.sink,
            errorOutput: errors.sink,
            readLine: { answer }
        )
    }

    func run(_ arguments: String...) async -> Int32 { await CommandLineProgram.run(arguments, context: context) }

    func write(_ text: String, to name: String) throws {
        let path = "\(root)/\(name)"
        let directory = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    func read(_ name: String) -> String? { try? String(contentsOfFile: "\(root)/\(name)", encoding: .utf8) }

    func mode(of name: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: "\(root)/\(name)"))?[.posixPermissions] as? Int
    }
}
