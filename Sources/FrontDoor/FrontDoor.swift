public import Foundation
import HostSystem
import KeyMaterial
public import Logging
public import ServiceLifecycle
import Synchronization
public import SystemPackage
public import VersAPI

/// The way into guests from outside: a TLS port on which the name that a client asks for chooses the VM.
///
/// A front door that cannot listen does not end the daemon: it says why in ``description()``.
///
/// A graceful shutdown stops accepting and ends the connections.
public final class FrontDoor: Service {
    private struct State {
        var description: FrontDoorResponse?
        var signer: LinkSigner?
        var waiting: [CheckedContinuation<FrontDoorResponse, Never>] = []
    }

    private let configuration: FrontDoorConfiguration
    private let domain: any FrontDoorDomain
    private let files: Files
    private let doorCounters = DoorCounters()
    private let logger: Logger
    private let state = Mutex(State())

    /// What the instance keeps for the front door.
    public struct Files: Sendable {
        /// Made when it is missing; its parent must exist.
        public var authority: FilePath
        /// Holds the port of last time.
        public var port: FilePath
        /// Signs links; made when it is missing.
        public var secret: FilePath

        public init(authority: FilePath, port: FilePath, secret: FilePath) {
            self.secret = secret
            self.authority = authority
            self.port = port
        }
    }

    public init(
        configuration: FrontDoorConfiguration,
        domain: any FrontDoorDomain,
        files: Files,
        logger: Logger
    ) {
        self.configuration = configuration
        self.domain = domain
        self.files = files
        self.logger = logger
    }

    public var counters: FrontDoorCounters { doorCounters.snapshot }

    /// How to reach it. Waits until it listens, or cannot.
    public func description() async -> FrontDoorResponse {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> FrontDoorResponse? in
                if state.description == nil { state.waiting.append(continuation) }
                return state.description
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// An address under which whoever has it may use a port of a private VM.
    /// - Parameter port: nil for what the name of the VM leads to by itself.
    /// - Throws: `.unavailable` when the front door does not listen.
    public func link(to machine: MachineID, port: UInt16?, validUntil expiry: Date) async throws -> String {
        let description = await description()
        guard let url = description.url(of: machine, port: port), let signer = state.withLock({ $0.signer }) else {
            throw VersError(
                .unavailable,
                "the front door does not listen: \(description.problem ?? "it is switched off")",
                hint: "look at it with: vers doctor"
            )
        }
        let token = signer.token(for: machine, port: port ?? DoorConnection.webPort, validUntil: expiry)
        return "\(url)?\(LinkSigner.parameter)=\(token)"
    }

    public func run() async throws {
        guard configuration.isEnabled else {
            publish(listeners: [], authority: nil, problems: [])
            try? await gracefulShutdown()
            return
        }
        let certificates: CertificateSource
        let signer: LinkSigner
        do {
            certificates = try await openCertificates()
            signer = try await BlockingPool.run { [files] in try LinkSigner.open(files.secret) }
        } catch {
            publish(listeners: [], authority: nil, problems: [error])
            try? await gracefulShutdown()
            return
        }
        let plan = ListenerPlan(configuration: configuration, memory: PortMemory(path: files.port), logger: logger)
        let opened = await plan.open()
        let authority = certificates.authority.certificatePEM
        state.withLock { $0.signer = signer }
        publish(listeners: opened.listeners, authority: authority, problems: opened.problems)
        guard !opened.listeners.isEmpty else {
            try? await gracefulShutdown()
            return
        }
        let door = Door(
            configuration: configuration,
            domain: domain,
            certificates: certificates,
            signer: signer,
            counters: doorCounters,
            logger: logger
        )
        await serve(opened.listeners, door)
        // A service that returns by itself would end the daemon.
        try? await gracefulShutdown()
    }

    private func serve(_ listeners: [Listener], _ door: Door) async {
        let slots = ConnectionSlots(count: configuration.maximumConnections)
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for listener in listeners {
                    group.addTask { await self.serve(listener, door, slots) }
                }
            }
        }
    }

    private func serve(_ listener: Listener, _ door: Door, _ slots: ConnectionSlots) async {
        do {
            try await listener.run(slots: slots) { arrival in
                await DoorConnection(
                    door: door,
                    ingressPort: listener.guestPort,
                    channel: arrival.channel,
                    gate: arrival.gate
                ).run()
            }
        } catch  where !Task.isCancelled {
            logger.error(
                "a port does not listen any more",
                metadata: ["port": "\(listener.port)", "error": "\(error)"]
            )
        } catch {}
    }

    private func openCertificates() async throws -> CertificateSource {
        try await BlockingPool.run { [configuration, files, logger] in
            let authority = try AuthorityDirectory(path: files.authority).open(
                name: "Vers of \(configuration.domain)"
            )
            return try CertificateSource(
                authority: authority,
                files: configuration.certificates,
                domain: configuration.domain,
                closingDeadline: configuration.closingDeadline,
                logger: logger
            )
        }
    }

    private func publish(listeners: [Listener], authority: String?, problems: [any Error]) {
        for problem in problems {
            logger.warning("the front door is not as it should be", metadata: ["error": "\(problem)"])
        }
        let texts = problems.map { ($0 as? VersError)?.message ?? "\($0)" }
        let description = FrontDoorResponse(
            is_listening: !listeners.isEmpty,
            address: configuration.host,
            port: listeners.first?.port,
            domain: configuration.domain,
            extra_ports: listeners.compactMap(\.guestPort),
            ca_certificate: authority,
            problem: texts.isEmpty ? nil : texts.joined(separator: "; ")
        )
        if let port = description.port {
            logger.info("front door open", metadata: ["address": "\(configuration.host)", "port": "\(port)"])
        }
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.description = description
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: description) }
    }
}
