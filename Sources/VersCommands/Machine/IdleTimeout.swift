import ArgumentParser
import VersAPI

/// How long a VM that a connection has woken stays awake without one, as a person writes it.
struct IdleTimeoutOptions: ParsableArguments {
    @Option(
        name: .customLong("idle-timeout"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long a VM that a connection has woken stays awake without one: 90s, 10m, 2h, 1d.",
            valueName: "time"
        ),
        transform: seconds
    )
    var seconds: Int?

    /// - Throws: `.invalidArgument` that names the text. The server says which times it takes.
    static func seconds(_ text: String) throws -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let count = Int(digits),
            case let (seconds, hasOverflown) = count.multipliedReportingOverflow(by: unit ?? 1), !hasOverflown,
            seconds > 0
        else {
            throw VersError(
                .invalidArgument,
                "invalid --idle-timeout '\(text.prefix(40))': expected a number above 0 and s, m, h or d, as in 10m"
            )
        }
        return seconds
    }

    /// The shortest that says the same.
    static func text(ofSeconds seconds: Int) -> String {
        for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60)] where seconds.isMultiple(of: size) {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }

    /// - Throws: `.invalidArgument` where it would have no effect.
    func check(wakesOnTraffic: Bool) throws {
        guard seconds == nil || wakesOnTraffic else {
            throw VersError(
                .invalidArgument,
                "--idle-timeout is for a VM that connections wake",
                hint: "give --wake-on-traffic, too"
            )
        }
    }
}
