/// The answer of `GET /env_vars` and `PUT /env_vars`: every variable of the organisation.
public struct EnvironmentResponse: Codable, Sendable, Equatable {
    public var vars: [String: String]

    public init(vars: [String: String]) { self.vars = vars }
}

/// `PUT /env_vars`: adds variables and replaces those of the same name.
public struct EnvironmentRequest: Codable, Sendable {
    public var vars: [String: String]
    /// Whether variables that are not in `vars` go.
    public var replace: Bool?

    public init(vars: [String: String], replace: Bool? = nil) {
        self.vars = vars
        self.replace = replace
    }
}

/// The limits of an organisation's variables.
public enum EnvironmentLimit {
    public static let keyLength = 256
    public static let valueLength = 8192
    public static let variables = 1024
    /// All keys and values together: they travel in one message to every new VM.
    public static let totalBytes = 512 * 1024

    /// Whether `text` is of the form `[A-Za-z_][A-Za-z0-9_]*` and short enough.
    public static func isKey(_ text: String) -> Bool {
        text.utf8.count <= keyLength && (try? /[A-Za-z_][A-Za-z0-9_]*/.wholeMatch(in: text)) != nil
    }

    /// - Throws: `.invalidArgument` naming the key, never a value.
    public static func check(key: String) throws(VersError) {
        guard isKey(key) else {
            throw VersError(
                .invalidArgument,
                "invalid variable name '\(key.prefix(80))': expected 1 to \(keyLength) letters, digits or '_', "
                    + "not starting with a digit"
            )
        }
    }
}
