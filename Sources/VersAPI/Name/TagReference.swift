/// A tag of a repository: `repository:tag` in one's own organisation, `organisation/repository:tag` in any.
public struct TagReference: Hashable, Sendable, LosslessStringConvertible {
    /// Nil means the organisation of whoever asks.
    public var organisation: String?
    public var repository: String
    public var tag: String

    public init(organisation: String? = nil, repository: String, tag: String) {
        self.organisation = organisation
        self.repository = repository
        self.tag = tag
    }

    /// Nil unless every part is a valid name.
    public init?(_ text: String) {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard halves.count == 2 else { return nil }
        let path = halves[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(path.count), let repository = path.last else { return nil }
        self.init(organisation: path.count == 2 ? path[0] : nil, repository: repository, tag: halves[1])
        guard ResourceName.isTagName(repository), ResourceName.isTagName(tag) else { return nil }
        if let organisation, !ResourceName.isValid(organisation) { return nil }
    }

    public var description: String { (organisation.map { "\($0)/" } ?? "") + "\(repository):\(tag)" }
}

/// What can stand for a commit: its id, a tag of the organisation, or a tag of a repository.
public enum CommitName: Hashable, Sendable, LosslessStringConvertible {
    case id(CommitID)
    case tag(String)
    case reference(TagReference)

    /// Nil when `text` has none of the three forms.
    public init?(_ text: String) {
        if let id = CommitID(text) {
            self = .id(id)
        } else if let reference = TagReference(text) {
            self = .reference(reference)
        } else if ResourceName.isTagName(text) {
            self = .tag(text)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .id(let id): id.text
        case .tag(let name): name
        case .reference(let reference): reference.description
        }
    }
}
