import Foundation

/// What is known about one of the process's output streams.
public struct TerminalStream: Sendable, Hashable {
    /// Used when the stream is no terminal, or one that does not tell its size.
    public static let defaultColumns = 80

    public var isTerminal: Bool
    /// Whether escape sequences for colour may be written.
    public var showsColour: Bool
    /// Whether the characters of line drawing can be shown.
    public var showsUnicode: Bool
    /// The width in cells; nil when output should not be fitted to any width.
    public var columns: Int?

    public init(isTerminal: Bool, showsColour: Bool, showsUnicode: Bool, columns: Int?) {
        self.isTerminal = isTerminal
        self.showsColour = showsColour
        self.showsUnicode = showsUnicode
        self.columns = columns
    }

    /// A file or a pipe: no colour, ASCII, any width.
    public static let plain = Self(isTerminal: false, showsColour: false, showsUnicode: false, columns: nil)

    /// Looks at an open file. `NO_COLOR` (any value but empty) and `TERM=dumb` switch colour off, `CLICOLOR_FORCE`
    /// switches it on; line drawing needs a UTF-8 locale.
    public init(descriptor: Int32, environment: [String: String]) {
        let isTerminal = isatty(descriptor) == 1
        let isDumb = environment["TERM"] == "dumb"
        let isForced = !(environment["CLICOLOR_FORCE"] ?? "0").isEmpty && environment["CLICOLOR_FORCE"] ?? "0" != "0"
        let isRefused = !(environment["NO_COLOR"] ?? "").isEmpty
        self.isTerminal = isTerminal
        self.showsColour = !isRefused && (isForced || isTerminal && !isDumb)
        self.showsUnicode = isTerminal && !isDumb && Self.usesUTF8(environment)
        self.columns = isTerminal ? TerminalWindow.size(of: descriptor)?.columns ?? Self.defaultColumns : nil
    }

    private static func usesUTF8(_ environment: [String: String]) -> Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = environment[name], !value.isEmpty else { continue }
            let locale = value.lowercased()
            return locale.contains("utf-8") || locale.contains("utf8")
        }
        return false
    }
}

/// The size of a terminal in character cells.
public struct TerminalWindow: Sendable, Hashable {
    public var columns: Int
    public var rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// For a terminal that does not tell its size, or that nobody looks at.
    public static let standard = Self(columns: TerminalStream.defaultColumns, rows: 24)

    /// What a terminal does not know, of the two, is as of ``standard``. Nil when `descriptor` is no terminal or knows neither.
    public static func size(of descriptor: Int32) -> Self? {
        var window = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 || window.ws_row > 0 else {
            return nil
        }
        return Self(
            columns: window.ws_col > 0 ? Int(window.ws_col) : standard.columns,
            rows: window.ws_row > 0 ? Int(window.ws_row) : standard.rows
        )
    }
}
