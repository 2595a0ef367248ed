import Synchronization
public import VersAPI
import VersCore
public import VersServer

/// Tags, repositories, labels, variables and DNS names at the API's border: records every call, knows one of each,
/// fails when told to.
public final class NamesDouble: Sendable {
    public static let variables = ["A": "1", "B": "two words"]

    /// The commit that the tag `golden` and the tag `v1` of the repository `images` name.
    public let commit: CommitID
    public let machine: MachineID
    public let domain = DomainID()
    private let calls = Mutex<[String]>([])
    private let errors = Mutex<[any Error]>([])

    public init(machine: MachineID, commit: CommitID) {
        self.machine = machine
        self.commit = commit
    }

    /// What was asked, in order. Ids are no names: asking for one is not recorded.
    public var recorded: [String] { calls.withLock { $0 } }

    /// Each of the next calls throws one of these.
    public func fail(with next: [any Error]) { errors.withLock { $0 = next } }

    public var operations: NameOperations {
        NameOperations(
            tags: TagDouble(names: self),
            repositories: RepositoryDouble(names: self),
            labels: SettingDouble(names: self),
            environment: SettingDouble(names: self),
            domainNames: DomainNameDouble(names: self)
        )
    }

    fileprivate func record(_ call: String) throws {
        calls.withLock { $0.append(call) }
        let error = errors.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let error { throw error }
    }

    fileprivate func known(_ name: String, _ expected: String, noun: String) throws {
        guard name == expected else { throw VersError(.notFound, "\(noun) not found: '\(name)'") }
    }

    fileprivate func info(of tag: String) -> TagInfo {
        TagInfo(
            tag_id: TagID(),
            tag_name: tag,
            commit_id: commit,
            created_at: DomainDouble.date,
            updated_at: DomainDouble.date,
            description: nil
        )
    }
}

/// Tags of the organisation.
private struct TagDouble: TagOperations {
    let names: NamesDouble

    func list(for principal: Principal) async throws -> TagList {
        try names.record("tags")
        return TagList(tags: [names.info(of: "golden")])
    }

    func create(_ request: TagCreateRequest, for principal: Principal) async throws -> TagCreateResponse {
        try names.record("create tag \(request.tag_name) \(request.commit_id) \(request.description ?? "-")")
        return TagCreateResponse(tag_id: TagID(), tag_name: request.tag_name, commit_id: request.commit_id)
    }

    func info(of name: String, for principal: Principal) async throws -> TagInfo {
        try names.record("tag \(name)")
        try names.known(name, "golden", noun: "tag")
        return names.info(of: name)
    }

    func edit(_ name: String, _ request: TagEditRequest, for principal: Principal) async throws {
        try names.record("edit tag \(name) \(request.commit_id?.text ?? "-") \(request.description)")
    }

    func delete(_ name: String, for principal: Principal) async throws { try names.record("delete tag \(name)") }

    func commit(named name: CommitName, for principal: Principal) async throws -> CommitID {
        if case .id(let id) = name { return id }
        try names.record("resolve \(name)")
        guard ["golden", "images:v1", "acme/images:v1"].contains("\(name)") else {
            throw VersError(.notFound, "tag not found: '\(name)'")
        }
        return names.commit
    }
}

/// Repositories and their tags.
private struct RepositoryDouble: RepositoryOperations {
    let names: NamesDouble

    private var repository: RepositoryInfo {
        RepositoryInfo(
            repo_id: RepositoryID(),
            name: "images",
            is_public: true,
            created_at: DomainDouble.date,
            description: nil
        )
    }

    private var publicRepository: PublicRepositoryInfo {
        PublicRepositoryInfo(
            repo_id: RepositoryID(),
            org_name: "acme",
            name: "images",
            created_at: DomainDouble.date,
            description: nil
        )
    }

    func list(for principal: Principal) async throws -> RepositoryList {
        try names.record("repositories")
        return RepositoryList(repositories: [repository])
    }

    func create(
        _ request: RepositoryCreateRequest,
        for principal: Principal
    ) async throws -> RepositoryCreateResponse {
        try names.record("create repository \(request.name) \(request.description ?? "-")")
        return RepositoryCreateResponse(repo_id: RepositoryID(), name: request.name)
    }

    func info(of name: String, for principal: Principal) async throws -> RepositoryInfo {
        try names.record("repository \(name)")
        try names.known(name, "images", noun: "repository")
        return repository
    }

    func delete(_ name: String, for principal: Principal) async throws {
        try names.record("delete repository \(name)")
    }

    func setVisibility(of name: String, isPublic: Bool, for principal: Principal) async throws {
        try names.record("visibility \(name) \(isPublic)")
    }

    func fork(_ request: ForkRequest, for principal: Principal) async throws -> ForkResponse {
        let source = "\(request.source_org)/\(request.source_repo):\(request.source_tag)"
        try names.record("fork \(source) \(request.repo_name ?? "-") \(request.tag_name ?? "-")")
        return ForkResponse(
            repo_name: request.repo_name ?? request.source_repo,
            tag_name: request.tag_name ?? request.source_tag,
            commit_id: names.commit,
            vm_id: names.machine
        )
    }

    func tags(of repository: String, for principal: Principal) async throws -> RepositoryTagList {
        try names.record("tags of \(repository)")
        try names.known(repository, "images", noun: "repository")
        return RepositoryTagList(
            repository: repository,
            tags: [RepositoryTagInfo(names.info(of: "v1"), repository: repository)]
        )
    }

    func createTag(
        _ request: TagCreateRequest,
        in repository: String,
        for principal: Principal
    ) async throws -> RepositoryTagCreateResponse {
        try names.record("create tag \(repository):\(request.tag_name) \(request.commit_id)")
        return RepositoryTagCreateResponse(
            tag_id: TagID(),
            commit_id: request.commit_id,
            reference: "\(repository):\(request.tag_name)"
        )
    }

    func tag(
        _ name: String,
        of repository: String,
        for principal: Principal
    ) async throws -> RepositoryTagInfo {
        try names.record("tag \(repository):\(name)")
        try names.known("\(repository):\(name)", "images:v1", noun: "tag")
        return RepositoryTagInfo(names.info(of: name), repository: repository)
    }

    func editTag(
        _ name: String,
        of repository: String,
        _ request: TagEditRequest,
        for principal: Principal
    ) async throws {
        try names.record("edit tag \(repository):\(name) \(request.commit_id?.text ?? "-") \(request.description)")
    }

    func deleteTag(_ name: String, of repository: String, for principal: Principal) async throws {
        try names.record("delete tag \(repository):\(name)")
    }

    func publicList() async throws -> PublicRepositoryList {
        try names.record("public repositories")
        return PublicRepositoryList(repositories: [publicRepository])
    }

    func publicInfo(of name: String, in organisation: String) async throws -> PublicRepositoryInfo {
        try names.record("public repository \(organisation)/\(name)")
        return publicRepository
    }

    func publicTags(of name: String, in organisation: String) async throws -> RepositoryTagList {
        try names.record("public tags \(organisation)/\(name)")
        let repository = "\(organisation)/\(name)"
        return RepositoryTagList(
            repository: repository,
            tags: [RepositoryTagInfo(names.info(of: "v1"), repository: repository)]
        )
    }

    func publicTag(_ tag: String, of name: String, in organisation: String) async throws -> RepositoryTagInfo {
        try names.record("public tag \(organisation)/\(name):\(tag)")
        try names.known("\(organisation)/\(name):\(tag)", "acme/images:v1", noun: "tag")
        return RepositoryTagInfo(names.info(of: tag), repository: "\(organisation)/\(name)")
    }
}

/// Labels and variables.
private struct SettingDouble: LabelOperations, EnvironmentOperations {
    let names: NamesDouble

    func replaceLabels(_ labels: [String: String], of id: MachineID, for principal: Principal) async throws {
        try names.record("replace labels \(id) \(labels)")
    }

    func removeLabel(_ name: String, of id: MachineID, for principal: Principal) async throws {
        try names.record("remove label \(id) \(name)")
    }

    func variables(for principal: Principal) async throws -> EnvironmentResponse {
        try names.record("variables")
        return EnvironmentResponse(vars: NamesDouble.variables)
    }

    func delete(_ key: String, for principal: Principal) async throws {
        try names.record("delete variable \(key)")
        guard NamesDouble.variables[key] != nil else {
            throw VersError(.notFound, "Environment variable not found: '\(key)'")
        }
    }

    func set(_ request: EnvironmentRequest, for principal: Principal) async throws -> EnvironmentResponse {
        try names.record(
            "set variables \(request.vars.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }) "
                + "\(request.replace ?? false)"
        )
        return EnvironmentResponse(vars: request.vars)
    }
}

/// DNS names.
private struct DomainNameDouble: DomainNameOperations {
    let names: NamesDouble

    private var domainName: DomainNameInfo {
        DomainNameInfo(
            domain_id: names.domain,
            domain: "app.example.com",
            vm_id: names.machine,
            created_at: DomainDouble.date
        )
    }

    func create(_ request: DomainNameCreateRequest, for principal: Principal) async throws -> DomainNameInfo {
        try names.record("create domain \(request.domain) \(request.vm_id)")
        return domainName
    }

    func list(of machine: MachineID?, for principal: Principal) async throws -> [DomainNameInfo] {
        try names.record("domains \(machine?.text ?? "-")")
        return [domainName]
    }

    func info(of id: DomainID, for principal: Principal) async throws -> DomainNameInfo {
        try names.record("domain \(id)")
        return domainName
    }

    func delete(_ id: DomainID, for principal: Principal) async throws { try names.record("delete domain \(id)") }
}
