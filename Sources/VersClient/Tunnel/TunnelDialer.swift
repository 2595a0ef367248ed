import Foundation
public import NIOCore
import NIOPosix
import NIOSSL
public import VersAPI

/// Opens connections into VMs through the front door.
///
/// Each is a TLS connection of its own, on which the door is told the key and where to go, and which carries nothing but
/// the service's bytes after that.
public struct TunnelDialer: Sendable {
    /// Where in a VM a connection leads.
    public struct Destination: Sendable, Hashable {
        public var machine: MachineID
        /// A host as the VM sees it; nil for the VM itself.
        public var host: String?
        public var port: UInt16

        public init(machine: MachineID, host: String? = nil, port: UInt16) {
            self.machine = machine
            self.host = host
            self.port = port
        }
    }

    private static let connectTimeout = TimeAmount.seconds(10)
    /// The door may have to boot or wake the VM first.
    private static let greetingTimeout = TimeAmount.seconds(180)

    private let door: TunnelDoor
    private let apiKey: String
    private let context: NIOSSLContext

    /// - Throws: `.invalidArgument` when the door's authority is no certificate.
    public init(door: TunnelDoor, apiKey: String) throws {
        self.door = door
        self.apiKey = apiKey
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [TunnelDoor.applicationProtocol]
        do {
            if let pem = door.certificateAuthority {
                let authority = try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
                // The operator may have a certificate of a public authority for some names.
                configuration.additionalTrustRoots = [.certificates(authority)]
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw VersError(.invalidArgument, "the front door's certificate authority cannot be read", cause: error)
        }
    }

    /// A connection on that event loop. It reads nothing until ``Splice`` joins it to another.
    /// - Throws: what the door says; `.unreachable` when there is none, or it goes away meanwhile; `.incompatible` when
    ///   it is not the one expected.
    public func open(_ destination: Destination, on loop: any EventLoop) async throws -> any Channel {
        let greeting = TunnelGreeting(
            request: TunnelRequest(key: apiKey, host: destination.host, port: destination.port),
            timeout: Self.greetingTimeout,
            on: loop
        )
        let serverName = "\(destination.machine).vm.\(door.domain)"
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: serverName)
                    try channel.pipeline.syncOperations.addHandlers([tls, greeting])
                    try Splice.hold(channel)
                }
            }
        do {
            let channel = try await bootstrap.connect(host: door.host, port: door.port).get()
            try await greeting.answer.get()
            return channel
        } catch {
            throw translate(error)
        }
    }

    private func translate(_ error: any Error) -> VersError {
        switch error {
        case let error as VersError: error
        case is CancellationError: VersError(.cancelled, "the call was cancelled", cause: error)
        case is NIOConnectionError, is IOError, is ChannelError:
            VersError(
                .unreachable,
                "no front door answers at \(door.name)",
                hint: "see 'vers doctor' on the server, and versd's option --front-door",
                cause: error
            )
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            VersError(
                .incompatible,
                "the front door at \(door.name) shows a certificate that is not the one expected, or knows no such VM",
                hint: "is it the server's own? look with: openssl s_client -connect \(door.name)",
                cause: error
            )
        default: VersError(.unreachable, "the connection to \(door.name) was lost", cause: error)
        }
    }
}

/// The line that opens a tunnel.
struct TunnelRequest: Codable {
    var key: String
    var host: String?
    var port: UInt16
}

/// The door's line in return.
struct TunnelReply: Codable {
    var ok: Bool
    var code: ErrorCode?
    var error: String?
    var hint: String?
}
