import Logging
import NIOCore
import NIOSSL
import VersAPI
import VersCore

/// One connection from its first byte to its last.
struct DoorConnection: Sendable {
    static let sshPort: UInt16 = 22
    static let webPort: UInt16 = 80
    /// Enough to tell protocols apart.
    static let firstBytesLimit = 64

    let door: Door
    /// The port of the guest that belongs to the port of the host it came through; nil on the main one.
    let ingressPort: UInt16?
    let channel: any Channel
    let gate: Gate

    /// Whom a client wants.
    struct Visit: Sendable {
        var machine: MachineID
        var reach: MachineReach
        /// Nil: what the first bytes say.
        var port: UInt16?
    }

    /// Returns when the connection is closed. A cancelled task closes it.
    func run() async {
        await withTaskCancellationHandler {
            do {
                try await serve()
            } catch {
                door.logger.debug("connection ended", metadata: ["error": "\(error)"])
            }
            channel.close(promise: nil)
            // Never fails.
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private func serve() async throws {
        guard let (visit, context) = try await greet() else {
            door.counters.refused()
            return
        }
        let secured: SecuredConnection
        do {
            secured = try await secure(with: context)
        } catch {
            door.counters.refused()
            throw error
        }
        let port = visit.port ?? ingressPort
        try await GuestConnection(
            door: door,
            channel: channel,
            gate: secured.gate,
            severance: secured.severance,
            visit: visit
        ).serve(port: port, negotiated: secured.applicationProtocol)
    }

    // MARK: Before TLS

    /// Nil when the client was refused.
    private func greet() async throws -> (Visit, NIOSSLContext)? {
        let opening = try await gate.collect(
            limit: ClientHello.maximumLength,
            within: door.configuration.handshakeDeadline
        ) { ClientHello.read($0) != .incomplete }
        guard opening.isComplete else { return nil }
        switch ClientHello.read(opening.bytes) {
        case .hello(let hello): return try await resolve(hello)
        case .malformed: try await refuse(with: .decodeError)
        case .foreign where FirstBytes(opening.bytes) == .http:
            let error = VersError(
                .invalidArgument,
                "this port speaks TLS, and the request came without",
                hint: "use https:// in place of http://"
            )
            try await say(PlainAnswer.page(status: 400, error))
        case .foreign, .incomplete: break
        }
        return nil
    }

    private func resolve(_ hello: ClientHello) async throws -> (Visit, NIOSSLContext)? {
        do {
            guard let name = hello.serverName, let visit = try await visit(to: name) else {
                try await refuse(with: .unrecognizedName)
                return nil
            }
            let choice = ProtocolChoice.choose(from: hello.protocols)
            return (visit, try await door.certificates.context(for: name, applicationProtocol: choice))
        } catch let error as VersError {
            door.logger.warning("a connection could not be served", metadata: ["error": "\(error)"])
            try await refuse(with: .internalError)
            return nil
        }
    }

    private func visit(to name: String) async throws -> Visit? {
        let (machine, port): (MachineID?, UInt16?) =
            switch DoorName(name, domain: door.configuration.domain) {
            case .machine(let machine, let port): (machine, port)
            case .other(let name): (try await door.domain.machine(boundTo: name), nil)
            case .unknown: (nil, nil)
            }
        guard let machine, let reach = try await door.domain.reach(of: machine) else { return nil }
        return Visit(machine: machine, reach: reach, port: port)
    }

    private func refuse(with alert: TLSAlert) async throws { try await say(alert.record) }

    /// Says something, and leaves the client some time to hear it.
    private func say(_ bytes: [UInt8]) async throws {
        try await gate.drain()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        channel.close(mode: .output, promise: nil)
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(door.configuration.closingDeadline)) {
            channel.close(promise: nil)
        }
        try await channel.closeFuture.get()
        timer.cancel()
    }

    // MARK: TLS

    private struct SecuredConnection: Sendable {
        var gate: Gate
        var severance: NIOLoopBound<Severance>
        var applicationProtocol: String?
    }

    private func secure(with context: NIOSSLContext) async throws -> SecuredConnection {
        let loop = channel.eventLoop
        let (inner, severance, handshake) = try await loop.submit {
            let promise = loop.makePromise(of: String?.self)
            let handler = ByteGate(handshake: promise)
            let severance = Severance()
            do {
                try channel.pipeline.syncOperations.addHandlers([
                    severance, NIOSSLServerHandler(context: context), Farewell(severance), handler,
                ])
            } catch {
                promise.fail(error)
                throw error
            }
            gate.open()
            return (Gate(handler, on: loop), NIOLoopBound(severance, eventLoop: loop), promise.futureResult)
        }.get()
        let timer = loop.scheduleTask(in: TimeAmount(door.configuration.handshakeDeadline)) {
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        return SecuredConnection(gate: inner, severance: severance, applicationProtocol: try await handshake.get())
    }
}
