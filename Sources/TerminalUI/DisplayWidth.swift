extension StringProtocol {
    /// How many terminal cells the text fills: 2 for East Asian wide characters and emoji, 0 for combining marks.
    public var displayWidth: Int {
        var width = 0
        for character in self { width += character.displayWidth }
        return width
    }

    /// The text cut to `width` cells; a cut text ends in `ellipsis`.
    public func truncated(toWidth width: Int, ellipsis: String) -> String {
        guard displayWidth > width else { return String(self) }
        let room = Swift.max(0, width - ellipsis.displayWidth)
        var result = ""
        var used = 0
        for character in self {
            let next = character.displayWidth
            guard used + next <= room else { break }
            result.append(character)
            used += next
        }
        return width >= ellipsis.displayWidth ? result + ellipsis : result
    }
}

extension Character {
    fileprivate var displayWidth: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        if scalar.isASCII { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
    }
}

/// The blocks that Unicode's `EastAsianWidth.txt` gives as wide or full-width.
private let wideRanges: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
]
