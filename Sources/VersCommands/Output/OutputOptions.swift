import ArgumentParser
import Foundation
import TerminalUI
import VersAPI

/// How a result is written. Text unless asked for otherwise.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case json
}

/// The options of every command that talks to an instance.
struct CommonOptions: ParsableArguments {
    @Flag(name: [.customShort("V"), .long], help: "Say on stderr what is done.")
    var verbose = false

    var context: CommandContext {
        var context = CommandContext.current
        context.isVerbose = context.isVerbose || verbose
        return context
    }
}

/// For commands with a result that programs read.
struct FormatOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Write the result as JSON.", valueName: "json"))
    var format: OutputFormat?
}

/// For commands whose result has ids.
struct QuietOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print ids only, one per line.")
    var quiet = false
}

/// One result, written as text, as JSON or as ids.
struct Rendering<Value: Encodable> {
    var json: Value
    var ids: [String] = []
    var text: () -> String

    /// Writes to stdout; ids win over JSON.
    func write(to context: CommandContext, format: OutputFormat?, quiet: Bool = false) throws {
        if quiet {
            for id in ids { context.print(id) }
            return
        }
        switch format {
        case .json: context.print(try JSONOutput.text(of: json))
        case nil: context.print(text())
        }
    }
}

enum JSONOutput {
    /// Indented by two spaces, keys sorted, times in RFC 3339.
    static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Timestamp.text(of: date))
        }
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

enum Timestamp {
    /// RFC 3339 in UTC with milliseconds.
    static func text(of date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// RFC 3339 in UTC with seconds, for people.
    static func short(_ date: Date) -> String { date.formatted(Date.ISO8601FormatStyle()) }

    /// How long ago, in the largest unit that fits twice: `90s`, `5m`, `3h`, `12d`.
    static func age(of date: Date, now: Date) -> String {
        let seconds = max(0, Int(now.timeIntervalSince(date)))
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<7200: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }
}

extension MachineState {
    var style: Style {
        switch self {
        case .running: .green
        case .booting: .cyan
        case .paused, .sleeping: .yellow
        case .stopped: .dim
        case .dead: .red
        }
    }
}
