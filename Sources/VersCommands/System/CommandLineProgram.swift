import ArgumentParser
import Foundation
import HostSystem
internal import SystemPackage
import VersAPI

/// The whole command line: parses, runs, reports, and says how to exit.
public enum CommandLineProgram {
    /// Runs one command.
    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit status: 0 to 7 by the code of the error, or a remote command's own.
    public static func run(_ arguments: [String]) async -> Int32 {
        StandardStreams.openMissing()
        // A reader of our output that goes away must not end us before the terminal is restored.
        signal(SIGPIPE, SIG_IGN)
        return await run(arguments, context: .process())
    }

    static func run(_ arguments: [String], context: CommandContext) async -> Int32 {
        let status = await runCommand(arguments, context: context)
        // Whoever went away, as `head` does, has read what it wanted; what a full disk did not take is missed.
        guard status == 0, let failure = context.output.failure, failure != .brokenPipe else { return status }
        return report(OutputFailure(errno: failure), context: context)
    }

    private static func runCommand(_ arguments: [String], context: CommandContext) async -> Int32 {
        var context = context
        var arguments = arguments
        while let first = arguments.first, first == "-V" || first == "--verbose" {
            context.isVerbose = true
            arguments.removeFirst()
        }
        return await CommandContext.$current.withValue(context) {
            do {
                try UnknownCommand.check(arguments)
                var command = try await VersCommand.asyncParseAsRoot(arguments)
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
                return 0
            } catch {
                return report(error, context: context)
            }
        }
    }

    private static func report(_ error: any Error, context: CommandContext) -> Int32 {
        if let exit = error as? ExitCode { return exit.rawValue }
        if error is CancellationError {
            context.report(VersError(.cancelled, "Operation cancelled"))
            return ErrorCode.cancelled.exitStatus
        }
        if let failure = error as? OutputFailure {
            guard !failure.isBrokenPipe else { return 128 + SIGPIPE }
            context.report(VersError(.internal, "cannot write to stdout: \(failure.errno)"))
            return ErrorCode.internal.exitStatus
        }
        if let error = versError(in: error) {
            context.report(error)
            return error.code.exitStatus
        }
        let text = VersCommand.fullMessage(for: error)
        guard VersCommand.exitCode(for: error) != .success else {
            context.print(text)
            return 0
        }
        return reportUsage(text, of: error, context: context)
    }

    /// Our own error, also when a command's `validate()` threw it and the parser wrapped it.
    private static func versError(in error: any Error) -> VersError? {
        if let error = error as? VersError { return error }
        let mirror = Mirror(reflecting: error)
        for child in mirror.children {
            if let found = child.value as? any Error, let error = versError(in: found) { return error }
            for nested in Mirror(reflecting: child.value).children {
                if let error = nested.value as? VersError { return error }
            }
        }
        return nil
    }

    /// The parser writes `Error: Message` and then the usage; ours is `error: message`, and the rest as hints.
    private static func reportUsage(_ text: String, of error: any Error, context: CommandContext) -> Int32 {
        let isUsage = VersCommand.exitCode(for: error) == .validationFailure
        let message = VersCommand.message(for: error)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let usage = lines.drop { !$0.hasPrefix("Usage:") }.map { $0.lowercasedFirst }
        let first = message.split(separator: "\n").first.map(String.init) ?? message
        context.report(
            VersError(isUsage ? .invalidArgument : .internal, String(first.trimmingSuffix(".")).lowercasedFirst)
        )
        for line in usage where !line.trimmed.isEmpty { context.note(line) }
        return isUsage ? ErrorCode.invalidArgument.exitStatus : ErrorCode.internal.exitStatus
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> Substring {
        hasSuffix(suffix) ? dropLast(suffix.count) : self[...]
    }
}
