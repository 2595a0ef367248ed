/// What the document says about one part of the API.
struct TopicDescription: Sendable {
    var name: String
    var about: String
    var operations: [OperationDescription]
    var schemas: [String: Schema] = [:]

    /// Every part, in the order of the page. The document has those operations of it that the server has routes for.
    static let all: [TopicDescription] = [
        .machines, .branches, .commands, .files, .commits, .labelling, .tags, .repositories, .publicRepositories,
        .images,
        .environment, .domainNames, .exposure, .deployments, .keys, .organisations, .shellAuthentication, .system,
    ]
}
