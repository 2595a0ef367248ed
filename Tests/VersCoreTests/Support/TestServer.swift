import APITestSupport
import Foundation
import InstanceStore
import Logging
import MetadataStore
import SystemPackage
import VersAPI
import VersClient

@testable import VersCore
@testable import VersServer

/// The real API over the services of a ``TestDomain``.
struct TestServer {
    let socket: FilePath
    /// `METHOD /path/:capture`.
    let routes: [String]

    static func run(_ test: TestDomain, _ body: (TestServer) async throws -> Void) async throws {
        let socket = test.layout.socket
        let (listening, announce) = AsyncStream.makeStream(of: Void.self)
        let files = ImportedImageDirectory(layout: test.layout)
        let imports = ImageImports(domain: test.domain, files: files, builder: ScriptedBuilder())
        let server = APIServer(
            configuration: APIServerConfiguration(unixSocket: socket),
            machines: test.machines,
            commits: test.commits,
            images: ImageService(domain: test.domain, files: files, imports: imports),
            accounts: test.accounts,
            names: test.names,
            frontDoor: FrontDoorDouble(),
            exposure: test.machines,
            keys: test.keys,
            idempotency: test.idempotency,
            system: VersionResponse(executable_name: "versd", workspace_version: "0", git_hash: "0"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in announce.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { announce.finish() }
                try await server.run()
            }
            defer { group.cancelAll() }
            for await _ in listening {}
            try await body(TestServer(socket: socket, routes: server.places.map { "\($0.method) \($0.pattern)" }))
        }
    }

    func send(
        _ method: String,
        _ path: String,
        body: String? = nil,
        key: String,
        headers more: [String: String] = [:]
    ) async throws -> RawHTTP.Answer {
        let headers = ["Authorization": "Bearer \(key)"].merging(more) { $1 }
        return try await RawHTTP.send(method, path, body: body, headers: headers, to: socket)
    }
}

extension TestDomain {
    var names: NameOperations {
        NameOperations(
            tags: TagService(domain: domain),
            repositories: RepositoryService(domain: domain, machines: machines),
            labels: machines,
            environment: EnvironmentService(domain: domain),
            domainNames: DomainNameService(domain: domain)
        )
    }

    var idempotency: IdempotencyService {
        guard let store = domain.metadata as? SQLiteMetadataStore else { preconditionFailure("not the real store") }
        return IdempotencyService(store: store, keys: domain.keys, logger: domain.logger)
    }
}
