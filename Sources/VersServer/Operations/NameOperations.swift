public import VersAPI
public import VersCore

/// What the routes ask of the domain about labels of VMs.
public protocol LabelOperations: Sendable {
    func replaceLabels(_ labels: [String: String], of id: MachineID, for principal: Principal) async throws
    func removeLabel(_ name: String, of id: MachineID, for principal: Principal) async throws
}

extension MachineService: LabelOperations {}

/// What the routes ask of the domain about environment variables.
public protocol EnvironmentOperations: Sendable {
    func variables(for principal: Principal) async throws -> EnvironmentResponse
    func set(_ request: EnvironmentRequest, for principal: Principal) async throws -> EnvironmentResponse
    func delete(_ key: String, for principal: Principal) async throws
}

extension EnvironmentService: EnvironmentOperations {}

/// What the routes ask of the domain about DNS names.
public protocol DomainNameOperations: Sendable {
    func create(_ request: DomainNameCreateRequest, for principal: Principal) async throws -> DomainNameInfo
    func list(of machine: MachineID?, for principal: Principal) async throws -> [DomainNameInfo]
    func info(of id: DomainID, for principal: Principal) async throws -> DomainNameInfo
    func delete(_ id: DomainID, for principal: Principal) async throws
}

extension DomainNameService: DomainNameOperations {}

/// Everything that gives things names.
public struct NameOperations: Sendable {
    public var tags: any TagOperations
    public var repositories: any RepositoryOperations
    public var labels: any LabelOperations
    public var environment: any EnvironmentOperations
    public var domainNames: any DomainNameOperations

    public init(
        tags: any TagOperations,
        repositories: any RepositoryOperations,
        labels: any LabelOperations,
        environment: any EnvironmentOperations,
        domainNames: any DomainNameOperations
    ) {
        self.tags = tags
        self.repositories = repositories
        self.labels = labels
        self.environment = environment
        self.domainNames = domainNames
    }
}
