import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle
public import SystemPackage
public import VersAPI
public import VersCore

/// The HTTP API on a TCP address and, when configured, on a Unix socket.
///
/// A graceful shutdown stops accepting, ends what is followed (commands and VMs run on), lets other requests
/// finish, and returns.
public struct APIServer: Service {
    /// Where the server listens, once it does.
    public struct Endpoints: Sendable, Hashable {
        /// `http://127.0.0.1:PORT`.
        public var url: String
        public var port: Int
        public var unixSocket: FilePath?
    }

    private let configuration: APIServerConfiguration
    private let responder: RouterResponder<APIRequestContext>
    private let counters: ServerCounters
    private let follows: FollowedStreams
    private let logger: Logger
    private let onListening: @Sendable (Endpoints) async -> Void
    /// Every route, to compare with what is said about them.
    let places: [RouteList.Place]

    /// - Parameters:
    ///   - system: what `GET /api/v1/system/version` answers.
    ///   - onListening: called once, when every listener accepts connections.
    public init(
        configuration: APIServerConfiguration,
        machines: any MachineOperations,
        commits: any CommitOperations,
        images: any ImageOperations,
        accounts: any AccountOperations,
        names: NameOperations,
        frontDoor: any FrontDoorOperations,
        exposure: any ExposureOperations,
        keys: any KeyAuthenticating,
        idempotency: IdempotencyService,
        system: VersionResponse,
        logger: Logger,
        onListening: @escaping @Sendable (Endpoints) async -> Void = { _ in }
    ) {
        let counters = ServerCounters()
        let follows = FollowedStreams(lingerTimeout: configuration.lingerTimeout)
        let bodies = BodyReader(configuration)
        var routes = RouteList()
        MachineRoutes(machines: machines, tags: names.tags, bodies: bodies).register(on: &routes)
        BranchRoutes(machines: machines, tags: names.tags).register(on: &routes)
        CommitRoutes(commits: commits, tags: names.tags, bodies: bodies).register(on: &routes)
        ExecRoutes(machines: machines, bodies: bodies, follower: ExecFollower(follows: follows)).register(on: &routes)
        FileRoutes(machines: machines, bodies: bodies).register(on: &routes)
        ConsoleRoutes(machines: machines, follows: follows).register(on: &routes)
        ImageRoutes(images: images, bodies: bodies).register(on: &routes)
        KeyRoutes(accounts: accounts, bodies: bodies).register(on: &routes)
        OrganisationRoutes(accounts: accounts, bodies: bodies).register(on: &routes)
        ShellAuthRoutes(accounts: accounts, bodies: bodies).register(on: &routes)
        LabelRoutes(labels: names.labels, bodies: bodies).register(on: &routes)
        TagRoutes(tags: names.tags, bodies: bodies).register(on: &routes)
        RepositoryRoutes(repositories: names.repositories, bodies: bodies).register(on: &routes)
        PublicRepositoryRoutes(repositories: names.repositories).register(on: &routes)
        EnvironmentRoutes(environment: names.environment, bodies: bodies).register(on: &routes)
        DomainNameRoutes(domainNames: names.domainNames, bodies: bodies).register(on: &routes)
        ExposureRoutes(exposure: exposure, frontDoor: frontDoor, bodies: bodies).register(on: &routes)
        DeployRoutes(bodies: bodies).register(on: &routes)
        SystemRoutes(version: system, counters: counters, follows: follows, frontDoor: frontDoor)
            .register(on: &routes)
        DocumentRoutes(version: system.workspace_version).register(on: &routes)

        let router = Router(context: APIRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestLogMiddleware(counters: counters))
        router.add(
            middleware: ErrorMiddleware(table: RouteTable(routes), lingerTimeout: configuration.lingerTimeout)
        )
        routes.add(
            to: router,
            authentication: AuthenticationMiddleware(keys: keys),
            idempotency: IdempotentHandler(service: idempotency, bodies: bodies)
        )

        self.configuration = configuration
        self.responder = router.buildResponder()
        self.counters = counters
        self.follows = follows
        self.logger = logger
        self.onListening = onListening
        places = routes.places
    }

    /// - Throws: ``VersError`` when a listener cannot be opened; the other one is closed then.
    public func run() async throws {
        let arrivals = ListenerArrivals(configuration, onComplete: onListening)
        defer { if let path = configuration.unixSocket { SocketFile.remove(path) } }
        let listeners: [Listener] = configuration.unixSocket == nil ? [.tcp] : [.tcp, .unix]
        let services = listeners.map { listener in ListenerService { try await serve(listener, arrivals) } }
        try await withGracefulShutdownHandler {
            // A listener that is cancelled says so in the log; one that shuts down says nothing.
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: services.map {
                        .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup)
                    },
                    logger: logger
                )
            ).run()
        } onGracefulShutdown: {
            follows.endAll()
        }
    }
}

private struct ListenerService: Service {
    let serve: @Sendable () async throws -> Void

    func run() async throws { try await serve() }
}

extension APIServer {
    enum Listener: String, Sendable {
        case tcp
        case unix
    }

    private func serve(_ listener: Listener, _ arrivals: ListenerArrivals) async throws {
        let (counters, follows) = (counters, follows)
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionWatchHandler(counters: counters, follows: follows)],
                    idleTimeout: TimeAmount(configuration.idleTimeout)
                )
            ),
            configuration: ApplicationConfiguration(
                address: address(of: listener),
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)
            ),
            onServerRunning: { channel in await arrivals.arrived(listener, channel) },
            logger: logger
        )
        do {
            try await application.run()
        } catch let error where !(error is CancellationError) && !arrivals.hasArrived(listener) {
            throw cannotListen(listener, error)
        }
    }

    private func address(of listener: Listener) -> BindAddress {
        switch (listener, configuration.unixSocket) {
        case (.unix, let path?): .unixDomainSocket(path: path.string)
        default: .hostname(configuration.host, port: configuration.port)
        }
    }

    private func cannotListen(_ listener: Listener, _ error: any Error) -> VersError {
        let (place, hint) =
            switch listener {
            case .tcp:
                ("\(configuration.host):\(configuration.port)", "choose another port, or 0 for any that is free")
            case .unix:
                (
                    configuration.unixSocket?.string ?? "",
                    "the path may have at most \(APIServerConfiguration.socketPathLimitInBytes) bytes; its directory must exist"
                )
            }
        return VersError(.unavailable, "cannot listen on \(place)", hint: hint, cause: error)
    }
}
