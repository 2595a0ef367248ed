internal import Foundation
package import SystemPackage

/// Runs helper programs.
package enum Program {
    package struct Failure: Error {
        package var message: String
    }

    package static func run(_ program: FilePath, _ arguments: [String], acceptable: Set<Int32> = [0]) throws {
        _ = try output(program, arguments, acceptable: acceptable)
    }

    /// What a program prints.
    package static func output(
        _ program: FilePath,
        _ arguments: [String],
        acceptable: Set<Int32> = [0]
    ) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program.string)
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard acceptable.contains(process.terminationStatus) else {
            throw Failure(message: "\(program) \(arguments) ended with \(process.terminationStatus): \(text)")
        }
        return text
    }
}
