import Foundation

/// A UUID that says what it names. Written in lower case with dashes everywhere: on the wire, in the
/// database and in file names, so that text comparison is enough.
public protocol ResourceIdentifier: Hashable, Sendable, Codable, Comparable, CustomStringConvertible,
    LosslessStringConvertible
{
    /// The identifier as 36 lower-case characters.
    var text: String { get }

    /// Accepts a UUID in either case and nothing else.
    init?(_ text: String)

    /// A new random (version 4) identifier.
    init()
}

extension ResourceIdentifier {
    public var description: String { text }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.text < rhs.text }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "invalid id '\(text.prefix(64))': expected a UUID"
            )
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The canonical handle of a VM.
public struct MachineID: ResourceIdentifier {
    public let text: String

    public init() { text = UUID().uuidString.lowercased() }

    public init?(_ text: String) {
        guard let canonical = canonicalUUID(text) else { return nil }
        self.text = canonical
    }
}

/// The handle of a commit. Assigned at random, or chosen by the caller; never derived from content.
public struct CommitID: ResourceIdentifier {
    public let text: String

    public init() { text = UUID().uuidString.lowercased() }

    public init?(_ text: String) {
        guard let canonical = canonicalUUID(text) else { return nil }
        self.text = canonical
    }
}

/// The handle of one command that runs, or ran, inside a VM. A child of a branch keeps the ids of its parent's.
public struct ExecID: ResourceIdentifier {
    public let text: String

    public init() { text = UUID().uuidString.lowercased() }

    public init?(_ text: String) {
        guard let canonical = canonicalUUID(text) else { return nil }
        self.text = canonical
    }
}

/// The handle of an API key: the first 36 characters of the key, and the `owner_id` of what it creates.
public struct KeyID: ResourceIdentifier {
    public let text: String

    public init() { text = UUID().uuidString.lowercased() }

    public init?(_ text: String) {
        guard let canonical = canonicalUUID(text) else { return nil }
        self.text = canonical
    }
}

private func canonicalUUID(_ text: String) -> String? {
    guard text.utf8.count == 36, UUID(uuidString: text) != nil else { return nil }
    return text.lowercased()
}
