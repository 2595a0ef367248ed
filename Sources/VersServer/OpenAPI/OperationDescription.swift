import HTTPTypes
import VersAPI

/// What the document says about one route: everything but whether it needs a key, which the route itself says.
struct OperationDescription: Sendable {
    struct Parameter: Sendable {
        var name: String
        var schema: Schema
        var isRequired = false
        var about: String
    }

    enum Body: Sendable {
        case json(Schema, isRequired: Bool)
        case bytes(about: String)
    }

    enum Content: Sendable {
        case json(Schema)
        /// One JSON value on each line.
        case lines(Schema)
        case text(mediaType: String)
        case none
    }

    var method: HTTPRequest.Method
    /// As the document writes it: `/api/v1/vm/{vm_id}/status`.
    var path: String
    /// Of the public SDKs, where they have the operation.
    var id: String
    var summary: String
    var pathSchemas: [String: Schema] = [:]
    var query: [Parameter] = []
    var body: Body?
    var status = 200
    var content: Content = .none
    var answerHeaders: [String: String] = [:]
    var errors: [ErrorCode] = []
    /// The schema of its errors.
    var errorSchema = "Error"
    /// A status whose errors have another schema.
    var errorSchemas: [Int: String] = [:]

    static func get(_ path: String, _ id: String, _ summary: String) -> Self { at(.get, path, id, summary) }

    static func post(_ path: String, _ id: String, _ summary: String) -> Self { at(.post, path, id, summary) }

    static func put(_ path: String, _ id: String, _ summary: String) -> Self { at(.put, path, id, summary) }

    static func patch(_ path: String, _ id: String, _ summary: String) -> Self { at(.patch, path, id, summary) }

    static func delete(_ path: String, _ id: String, _ summary: String) -> Self { at(.delete, path, id, summary) }

    /// - Parameter path: below `/api/v1`; one that begins with `//` is below the root.
    private static func at(_ method: HTTPRequest.Method, _ path: String, _ id: String, _ summary: String) -> Self {
        let isRooted = path.hasPrefix("//")
        return Self(
            method: method,
            path: isRooted ? String(path.dropFirst()) : "/api/v1" + path,
            id: id,
            summary: summary
        )
    }
}

// Made by a chain of these.
extension OperationDescription {
    /// What a capture takes, unless it is a UUID (names that end in `_id`) or a name.
    func path(_ name: String, _ schema: Schema) -> Self { with { $0.pathSchemas[name] = schema } }

    func query(_ name: String, _ schema: Schema, _ about: String, isRequired: Bool = false) -> Self {
        with { $0.query.append(Parameter(name: name, schema: schema, isRequired: isRequired, about: about)) }
    }

    func body(_ schema: Schema) -> Self { with { $0.body = .json(schema, isRequired: true) } }

    /// A body that may be absent, empty, `{}` or `null`.
    func optionalBody(_ schema: Schema) -> Self { with { $0.body = .json(schema.orNull, isRequired: false) } }

    func bytes(_ about: String) -> Self { with { $0.body = .bytes(about: about) } }

    func answers(_ status: Int, _ schema: Schema) -> Self { with { ($0.status, $0.content) = (status, .json(schema)) } }

    /// 200 and `{}`.
    func answersNothing() -> Self { answers(200, .named("Empty")) }

    /// 204 without a body.
    func answersNoContent() -> Self { with { ($0.status, $0.content) = (204, .none) } }

    func answersLines(of schema: Schema) -> Self { with { ($0.status, $0.content) = (200, .lines(schema)) } }

    func answersText(_ mediaType: String) -> Self {
        with { ($0.status, $0.content) = (200, .text(mediaType: mediaType)) }
    }

    func header(_ name: String, _ about: String) -> Self { with { $0.answerHeaders[name] = about } }

    /// Errors beyond those that follow from its parameters, its body and its key.
    func fails(_ errors: ErrorCode...) -> Self { with { $0.errors += errors } }

    func failsAs(_ schema: String) -> Self { with { $0.errorSchema = schema } }

    func failsAs(_ schema: String, at status: Int) -> Self { with { $0.errorSchemas[status] = schema } }

    /// It waits for the VM, or changes its state.
    func usesMachine() -> Self { fails(.conflict, .notFound, .timedOut, .incompatible) }

    /// It talks with the guest's agent.
    func usesGuest() -> Self {
        usesMachine().query(
            "skip_wait_boot",
            Schema.boolean.standard(false),
            "409 instead of waiting while the VM boots"
        )
    }

    /// It makes VMs or writes disks.
    func takesResources() -> Self { fails(.conflict, .notFound, .timedOut, .incompatible, .resourceExhausted) }

    private func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}
