import Foundation
import KeyMaterial
import Logging
import MetadataStore
import ServiceLifecycle
public import SystemPackage
import TestSupport
import VersAPI
public import VersClient
import VersCore
public import VersServer

/// A real server on a Unix socket and a TCP port, over a double of the domain.
public struct ServerFixture: Sendable {
    public let domain: DomainDouble
    public let names: NamesDouble
    public let images: ImageDouble
    public let client: VersClient
    public let server: APIServer
    public let endpoints: APIServer.Endpoints
    public let socket: FilePath
    private let shutdownTrigger: @Sendable () async -> Void

    /// Starts the graceful shutdown that otherwise follows the test.
    public func beginShutdown() async { await shutdownTrigger() }

    /// Runs `operation` against a server, then shuts it down and removes its files.
    /// - Parameter database: where answers are kept; of its own when nil.
    public static func run(
        _ configure: (inout APIServerConfiguration) -> Void = { _ in },
        key: String = DomainDouble.key,
        database: FilePath? = nil,
        _ operation: (ServerFixture) async throws -> Void
    ) async throws {
        let directory = fastDirectory.appending("vers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory.string) }
        let socket = directory.appending("versd.sock")
        var configuration = APIServerConfiguration(unixSocket: socket)
        configure(&configuration)
        let domain = DomainDouble()
        let images = ImageDouble()
        let metadata = try SQLiteMetadataStore(path: database ?? directory.appending("vers.sqlite"))
        let names = NamesDouble(machine: domain.machine, commit: domain.commit)
        let (listening, announce) = AsyncStream.makeStream(of: APIServer.Endpoints.self)
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let server = APIServer(
            configuration: configuration,
            machines: domain,
            commits: domain,
            images: images,
            accounts: AccountDouble(),
            names: names.operations,
            frontDoor: FrontDoorDouble(),
            exposure: FrontDoorDouble(),
            keys: domain,
            idempotency: IdempotencyService(store: metadata, keys: SystemKeyMaterial(), logger: logger),
            system: VersionResponse(executable_name: "versd", workspace_version: "0.0.1", git_hash: "abc"),
            logger: logger
        ) { endpoints in announce.yield(endpoints) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [.init(service: server)], logger: logger)
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { announce.finish() }
                try await group.run()
            }
            var iterator = listening.makeAsyncIterator()
            if let endpoints = await iterator.next() {
                let client = try VersClient(unixSocket: socket, apiKey: key)
                let fixture = ServerFixture(
                    domain: domain,
                    names: names,
                    images: images,
                    client: client,
                    server: server,
                    endpoints: endpoints,
                    socket: socket,
                    shutdownTrigger: { await group.triggerGracefulShutdown() }
                )
                do {
                    try await operation(fixture)
                } catch {
                    try? await client.shutdown()
                    await group.triggerGracefulShutdown()
                    throw error
                }
                try await client.shutdown()
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
