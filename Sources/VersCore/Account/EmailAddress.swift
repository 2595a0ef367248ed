import VersAPI

/// The addresses that users have. Nothing is ever sent to them: they are names that people know each other by.
enum EmailAddress {
    static let lengthLimit = 254

    /// The address in lower case.
    /// - Throws: `.invalidArgument`.
    static func normalised(_ text: String) throws -> String {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"<>()[]\,;:""#.utf8.contains($0) }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, isPlain, text.utf8.count <= lengthLimit else {
            throw VersError(
                .invalidArgument,
                "invalid email '\(text.prefix(80).filter { !$0.isNewline })': expected an address like name@example.com"
            )
        }
        return text.lowercased()
    }
}
