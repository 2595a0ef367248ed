import Foundation
import HostSystem
import KeyMaterial
import Logging
import NIOCore
import NIOSSL
import Synchronization
import VersAPI

/// The certificates that the front door shows: the operator's for the names that they have, else the authority's.
///
/// Those of the authority live in memory only. The operator's files are looked at again, at most once a second, when
/// somebody connects; what cannot be used does not replace what could.
final class CertificateSource: Sendable {
    private static let lifetime: TimeInterval = 30 * 86_400
    private static let renewal: TimeInterval = 15 * 86_400
    private static let lookInterval: Duration = .seconds(1)
    private static let maximumNames = 1024
    /// A context of its own for each; others are rare.
    private static let keptProtocols: Set<String?> = [nil, ProtocolChoice.http, "h2", ProtocolChoice.tunnel]

    let authority: CertificateAuthority
    private let domain: String
    private let closingDeadline: Duration
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var given: [OperatorCertificate]
        var lastLook = ContinuousClock.now
        var issued: [String: ServerCertificate] = [:]
        var contexts: [ContextKey: NIOSSLContext] = [:]
    }

    private struct ContextKey: Hashable {
        var name: String
        var applicationProtocol: String?
    }

    /// Reads the operator's files. Blocks.
    init(
        authority: CertificateAuthority,
        files: [CertificateFiles],
        domain: String,
        closingDeadline: Duration,
        logger: Logger
    ) throws {
        self.authority = authority
        self.domain = domain
        self.closingDeadline = closingDeadline
        self.logger = logger
        state = Mutex(State(given: try files.map { try OperatorCertificate($0) }))
    }

    /// What to answer a client with that wants `host` and has agreed on `applicationProtocol`.
    func context(for host: String, applicationProtocol: String?) async throws -> NIOSSLContext {
        let name = certificateName(of: host)
        let key = ContextKey(name: name, applicationProtocol: applicationProtocol)
        if let context = kept(key) { return context }
        return try await BlockingPool.run { [self] in
            lookAgain()
            if let context = kept(key) { return context }
            let context = try make(name: name, host: host, applicationProtocol: applicationProtocol)
            if Self.keptProtocols.contains(applicationProtocol) {
                state.withLock { state in
                    if state.contexts.count >= Self.maximumNames { state.contexts = [:] }
                    state.contexts[key] = context
                }
            }
            return context
        }
    }

    /// All VMs share one.
    private func certificateName(of host: String) -> String {
        host.hasSuffix(".vm.\(domain)") ? "*.vm.\(domain)" : host
    }

    /// Nil when it has to be made, or may have to be.
    private func kept(_ key: ContextKey) -> NIOSSLContext? {
        state.withLock { state in
            if !state.given.isEmpty, .now - state.lastLook > Self.lookInterval { return nil }
            if let issued = state.issued[key.name], issued.expiresAt.timeIntervalSinceNow < Self.renewal { return nil }
            return state.contexts[key]
        }
    }

    private func make(name: String, host: String, applicationProtocol: String?) throws -> NIOSSLContext {
        var configuration: TLSConfiguration
        if let given = state.withLock({ $0.given }).first(where: { $0.serves(host) }) {
            configuration = .makeServerConfiguration(
                certificateChain: given.chain.map { .certificate($0) },
                privateKey: .privateKey(given.key)
            )
        } else {
            let issued = try issued(name)
            configuration = .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(issued.certificatePEM.utf8)).map {
                    .certificate($0)
                },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(issued.keyPEM.utf8), format: .pem))
            )
        }
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = applicationProtocol.map { [$0] } ?? []
        configuration.shutdownTimeout = .init(closingDeadline)
        return try NIOSSLContext(configuration: configuration)
    }

    private func issued(_ name: String) throws -> ServerCertificate {
        if let issued = state.withLock({ $0.issued[name] }), issued.expiresAt.timeIntervalSinceNow >= Self.renewal {
            return issued
        }
        let certificate = try authority.issue(for: [name], validUntil: Date() + Self.lifetime)
        state.withLock { state in
            if state.issued.count >= Self.maximumNames { state.issued = [:] }
            state.issued[name] = certificate
            state.contexts = state.contexts.filter { $0.key.name != name }
        }
        return certificate
    }

    private func lookAgain() {
        let given: [OperatorCertificate]? = state.withLock { state in
            guard .now - state.lastLook > Self.lookInterval else { return nil }
            state.lastLook = .now
            return state.given
        }
        guard let given else { return }
        let renewed = given.map { old in
            guard OperatorCertificate.Stamp(old.files) != old.stamp else { return old }
            do {
                let new = try OperatorCertificate(old.files)
                logger.info("certificate reloaded", metadata: ["path": "\(old.files.certificate)"])
                return new
            } catch {
                logger.warning(
                    "certificate could not be reloaded: the old one stays",
                    metadata: ["path": "\(old.files.certificate)", "error": "\(error)"]
                )
                return old
            }
        }
        guard zip(given, renewed).contains(where: { $0.stamp != $1.stamp }) else { return }
        state.withLock { state in
            state.given = renewed
            state.contexts = [:]
        }
    }
}
