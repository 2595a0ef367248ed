import Foundation
import SystemPackage
import VersAPI
import VersClient

/// A C program that is compiled on the host, statically, and put into guests.
enum GuestProgram {
    static func compile(_ name: String, into directory: FilePath) async throws -> [UInt8] {
        let source = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Guest/\(name).c")
        let target = directory.appending(name)
        let compiler = try RunningProgram(
            "/usr/bin/cc",
            ["-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o", target.string, source.string],
            environment: ["PATH": "/usr/bin:/bin"],
            directory: directory
        )
        defer { compiler.forget() }
        let result = try await compiler.result(within: .seconds(120))
        guard result.status == 0 else { throw TestFailure("cc: \(result)") }
        return Array(try Data(contentsOf: URL(filePath: target.string)))
    }
}
