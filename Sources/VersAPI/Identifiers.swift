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

/// A ``ResourceIdentifier`` of what `Resource` names; the type itself is never made.
public struct Identifier<Resource>: ResourceIdentifier {
    public let text: String

    public init() { text = UUID().uuidString.lowercased() }

    public init?(_ text: String) {
        guard text.utf8.count == 36, UUID(uuidString: text) != nil else { return nil }
        self.text = text.lowercased()
    }
}

/// What an ``Identifier`` can name.
public enum Resource {
    public enum Machine {}
    public enum Commit {}
    public enum Exec {}
    public enum Key {}
    public enum Organisation {}
    public enum User {}
    public enum Tag {}
    public enum Repository {}
    public enum Domain {}
    public enum BaseImage {}
    public enum Registration {}
}

/// The canonical handle of a VM.
public typealias MachineID = Identifier<Resource.Machine>

/// The handle of a commit. Assigned at random, or chosen by the caller; never derived from content.
public typealias CommitID = Identifier<Resource.Commit>

/// The handle of one command that runs, or ran, inside a VM. A child of a branch keeps the ids of its parent's.
public typealias ExecID = Identifier<Resource.Exec>

/// The handle of an API key: the first 36 characters of the key, and the `owner_id` of what it creates.
public typealias KeyID = Identifier<Resource.Key>

/// The handle of an organisation: everything but public objects belongs to one, and is invisible outside of it.
public typealias OrganisationID = Identifier<Resource.Organisation>

/// The handle of a person, or of whatever else holds keys.
public typealias UserID = Identifier<Resource.User>

/// The handle of a tag, of an organisation's or of a repository's.
public typealias TagID = Identifier<Resource.Tag>

/// The handle of a repository: a named group of tags.
public typealias RepositoryID = Identifier<Resource.Repository>

/// The handle of a DNS name that is bound to a VM.
public typealias DomainID = Identifier<Resource.Domain>

/// The handle of a base image.
public typealias BaseImageID = Identifier<Resource.BaseImage>

/// The handle of a wish to sign up or in that waits for the administrator.
public typealias RegistrationID = Identifier<Resource.Registration>

extension OrganisationID {
    /// The organisation of the machine's owner. It exists from the first start on; its id is the same everywhere.
    public static var owner: OrganisationID { .wellKnown("00000000-0000-4000-8000-000000000001") }

    /// What belongs to no organisation has this one, which never exists.
    public static var nobody: OrganisationID { .wellKnown("00000000-0000-4000-8000-000000000000") }
}

extension UserID {
    /// The machine's owner. Exists from the first start on, with the same id everywhere.
    public static var owner: UserID { .wellKnown("00000000-0000-4000-8000-000000000002") }
}

extension Identifier {
    fileprivate static func wellKnown(_ text: String) -> Self {
        guard let id = Self(text) else { preconditionFailure("'\(text)' is no id") }
        return id
    }
}
