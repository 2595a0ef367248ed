import Foundation
internal import SystemPackage
import TerminalUI
import VersAPI

/// Everything a command takes from the process it runs in. Tests run commands with a context of their own.
struct CommandContext: Sendable {
    /// The context of the running command.
    @TaskLocal static var current = CommandContext.process()

    var environment: [String: String]
    var workingDirectory: String
    /// The user's home directory.
    var home: String
    var output: OutputSink
    var errorOutput: OutputSink
    /// How stdout and stderr look.
    var outputStream: TerminalStream
    var errorStream: TerminalStream
    /// Whether to say on stderr what is done.
    var isVerbose: Bool
    /// One line of stdin; nil at its end. Blocks.
    var readLine: @Sendable () -> String?
    /// The program of this process, when it is `vers` and can be started again.
    var executable: FilePath?

    init(
        environment: [String: String],
        workingDirectory: String,
        home: String,
        output: OutputSink,
        errorOutput: OutputSink,
        outputStream: TerminalStream = .plain,
        errorStream: TerminalStream = .plain,
        isVerbose: Bool = false,
        readLine: @escaping @Sendable () -> String? = { nil },
        executable: FilePath? = nil
    ) {
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.home = home
        self.output = output
        self.errorOutput = errorOutput
        self.outputStream = outputStream
        self.errorStream = errorStream
        self.isVerbose = isVerbose
        self.readLine = readLine
        self.executable = executable
    }

    /// The context of this process. `HOME` is respected when it is set.
    static func process() -> Self {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
        return Self(
            environment: environment,
            workingDirectory: FileManager.default.currentDirectoryPath,
            home: home,
            output: .descriptor(STDOUT_FILENO),
            errorOutput: .descriptor(STDERR_FILENO),
            outputStream: TerminalStream(descriptor: STDOUT_FILENO, environment: environment),
            errorStream: TerminalStream(descriptor: STDERR_FILENO, environment: environment),
            isVerbose: environment["VERS_VERBOSE"] == "true",
            readLine: { Swift.readLine() },
            executable: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map {
                FilePath($0)
            }
        )
    }

    /// A line of the result, on stdout.
    func print(_ line: String) { output.write(line + "\n") }

    /// A line about the work, on stderr.
    func note(_ line: String) { errorOutput.write(line + "\n") }

    func debug(_ line: @autoclosure () -> String) {
        if isVerbose { note("debug: \(line())") }
    }

    func warn(_ line: String) {
        note(StyledText("warning:", .yellow).rendered(colour: errorStream.showsColour) + " \(line)")
    }

    func report(_ error: VersError) {
        let colour = errorStream.showsColour
        note(StyledText("error:", .red).rendered(colour: colour) + " \(error.message.withoutControlCharacters)")
        if let hint = error.hint {
            note(StyledText("hint:", .cyan).rendered(colour: colour) + " \(hint.withoutControlCharacters)")
        }
    }

    /// Shows what is waited for on stderr when it takes longer than a second.
    func progress<Result: Sendable>(
        _ message: String,
        _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        let line = ProgressLine(stream: errorStream) { [errorOutput] in errorOutput.write($0) }
        return try await line.during(message, work)
    }

    var workingPath: FilePath { FilePath(workingDirectory) }
    var homePath: FilePath { FilePath(home) }
}
