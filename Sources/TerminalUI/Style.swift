/// How a piece of text looks on a terminal that shows colour.
public struct Style: Sendable, Hashable {
    /// The parameters of the SGR escape sequence; empty means plain.
    let parameters: String

    public static let plain = Self(parameters: "")
    public static let bold = Self(parameters: "1")
    public static let dim = Self(parameters: "2")
    public static let red = Self(parameters: "31")
    public static let green = Self(parameters: "32")
    public static let yellow = Self(parameters: "33")
    public static let blue = Self(parameters: "34")
    public static let cyan = Self(parameters: "36")
}

/// A run of text in one style. Control characters are replaced, so that text from elsewhere cannot drive the terminal.
public struct StyledText: Sendable, Hashable {
    public let text: String
    public let style: Style

    public init(_ text: String, _ style: Style = .plain) {
        self.text = text.withoutControlCharacters
        self.style = style
    }

    /// The text with its escape sequences, or alone when `colour` is false.
    public func rendered(colour: Bool) -> String {
        guard colour, !style.parameters.isEmpty, !text.isEmpty else { return text }
        return "\u{1B}[\(style.parameters)m\(text)\u{1B}[0m"
    }
}

extension String {
    /// The same text with every control character shown as `?`.
    public var withoutControlCharacters: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars { result.append(scalar.isControl ? "?" : scalar) }
        return String(result)
    }
}

extension Unicode.Scalar {
    /// C0, DEL, C1, and the marks that reorder what follows them.
    fileprivate var isControl: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
