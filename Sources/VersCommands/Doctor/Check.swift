/// What one look at the host found.
struct Check: Encodable, Equatable, Sendable {
    enum Verdict: String, Encodable, Sendable {
        case ok
        case warn
        case fail
    }

    var name: String
    var verdict: Verdict
    var finding: String
    /// What to do about it.
    var hint: String?

    static func ok(_ name: String, _ finding: String) -> Self {
        Self(name: name, verdict: .ok, finding: finding)
    }

    static func warn(_ name: String, _ finding: String, hint: String) -> Self {
        Self(name: name, verdict: .warn, finding: finding, hint: hint)
    }

    static func fail(_ name: String, _ finding: String, hint: String) -> Self {
        Self(name: name, verdict: .fail, finding: finding, hint: hint)
    }
}
