import Logging
import NIOCore
import VersAPI
import VersCore

/// A connection whose TLS is established, on its way to a guest.
struct GuestConnection: Sendable {
    let door: Door
    let channel: any Channel
    let gate: Gate
    let severance: NIOLoopBound<Severance>
    let visit: DoorConnection.Visit

    private struct Target {
        var endpoint: GuestEndpoint
        var kind: DoorCounters.Kind
        /// How much of what the client has said was meant for the front door.
        var consumed = 0
    }

    /// - Parameter port: nil when the first bytes decide.
    func serve(port: UInt16?, negotiated: String?) async throws {
        if negotiated == ProtocolChoice.tunnel { return try await tunnel() }
        guard let target = try await target(port: port, negotiated: negotiated) else {
            door.counters.refused()
            return
        }
        let counted = door.counters.opened(target.kind)
        guard try await isAdmitted(to: target.endpoint.port) else { return }
        let guest: any GuestStream
        do {
            guest = try await dial(target)
        } catch let error as VersError {
            try await apologise(error)
            return
        }
        try await join(guest, dropping: target.consumed, counted)
    }

    // MARK: Where to

    /// Nil when the client leaves without a word.
    private func target(port: UInt16?, negotiated: String?) async throws -> Target? {
        let isHTTP = ProtocolChoice.isHTTP(negotiated)
        if let port {
            let kind: DoorCounters.Kind = port == DoorConnection.sshPort ? .ssh : isHTTP ? .http : .other
            return Target(endpoint: GuestEndpoint(port: port), kind: kind)
        }
        let opening = try await gate.collect(
            limit: DoorConnection.firstBytesLimit,
            // A browser opens connections in advance: silence is no sign that it wants SSH.
            within: isHTTP ? door.configuration.firstBytesDeadline : door.configuration.bannerDelay
        ) { FirstBytes($0) != .undecided }
        switch FirstBytes(opening.bytes) {
        case .ssh: return Target(endpoint: GuestEndpoint(port: DoorConnection.sshPort), kind: .ssh)
        case .http, .http2: return Target(endpoint: GuestEndpoint(port: DoorConnection.webPort), kind: .http)
        case .undecided where opening.bytes.isEmpty:
            if isHTTP || opening.hasEnded { return nil }
            return Target(endpoint: GuestEndpoint(port: DoorConnection.sshPort), kind: .ssh)
        case .undecided, .other: return Target(endpoint: GuestEndpoint(port: DoorConnection.webPort), kind: .other)
        }
    }

    /// Whoever is not has been told why, as far as it speaks HTTP/1.
    private func isAdmitted(to port: UInt16) async throws -> Bool {
        // SSH has keys of its own.
        guard visit.reach.isPrivate, port != DoorConnection.sshPort else { return true }
        let opening = try await gate.collect(
            limit: RequestHead.maximumLength,
            within: door.configuration.firstBytesDeadline
        ) { bytes in
            switch FirstBytes(bytes) {
            case .undecided: false
            case .http: RequestHead.isComplete(bytes)
            case .ssh, .http2, .other: true
            }
        }
        guard FirstBytes(opening.bytes) == .http, let head = RequestHead(opening.bytes) else {
            door.counters.refused()
            return false
        }
        let access = PrivateAccess(signer: door.signer, domain: door.domain, visit: visit, port: port)
        switch await access.decide(head) {
        case .admit: return true
        case .answer(let bytes):
            try await say(bytes)
            return false
        }
    }

    // MARK: To the guest

    private func dial(_ target: Target) async throws -> any GuestStream {
        do {
            return try await dial(target.endpoint)
        } catch let error as VersError {
            door.counters.failed(target.kind, error.code)
            door.logger.debug(
                "guest took no connection",
                metadata: ["vm.id": "\(visit.machine)", "endpoint": "\(target.endpoint)", "error": "\(error)"]
            )
            throw error
        }
    }

    private func dial(_ endpoint: GuestEndpoint) async throws -> any GuestStream {
        let (domain, machine, deadline) = (door.domain, visit.machine, door.configuration.dialDeadline)
        return try await withThrowingTaskGroup(of: (any GuestStream)?.self) { group in
            group.addTask { try await domain.dial(endpoint, of: machine) }
            group.addTask {
                // Ends early when the connection is there, or the task is cancelled.
                try? await Task.sleep(for: deadline)
                return nil
            }
            let first = try await group.next() ?? nil
            group.cancelAll()
            if let first { return first }
            // It may have come at the very last moment, and nobody wants it any more.
            if let late = try? await group.next() ?? nil { await late.close() }
            try Task.checkCancellation()
            throw VersError(
                .timedOut,
                "vm \(machine) took no connection to \(endpoint) within \(deadline)",
                hint: "look at it with: vers info \(machine)"
            )
        }
    }

    /// From here on nothing is looked at any more.
    private func join(
        _ guest: any GuestStream,
        dropping count: Int,
        _ counted: CountedConnection
    ) async throws {
        let client: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            client = try await channel.eventLoop.submit {
                let idle = IdleStateHandler(allTimeout: TimeAmount(door.configuration.idleDeadline))
                try channel.pipeline.syncOperations.addHandlers([idle, IdleCloser()])
                let client = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(
                        backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2),
                        isOutboundHalfClosureEnabled: true
                    )
                )
                gate.open(dropping: count)
                return client
            }.get()
        } catch {
            await guest.close()
            throw error
        }
        try await StreamPump(client: client, guest: guest, severance: severance, counted: counted).run()
    }

    /// Tells a person why there is nothing to see; a program that speaks no HTTP/1 sees its connection end.
    private func apologise(_ error: VersError) async throws {
        let opening = try await gate.collect(
            limit: DoorConnection.firstBytesLimit,
            within: door.configuration.bannerDelay
        ) { FirstBytes($0) != .undecided }
        guard FirstBytes(opening.bytes) == .http else { return }
        try await say(PlainAnswer.page(status: PlainAnswer.status(for: error.code), error))
    }

    /// Says the last word. Whoever called closes the connection, which waits for the client to hear it.
    private func say(_ bytes: [UInt8]) async throws {
        try await gate.drain()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    // MARK: Of vers

    private func tunnel() async throws {
        let counted = door.counters.opened(.tunnel)
        let newline = UInt8(ascii: "\n")
        let opening = try await gate.collect(
            limit: TunnelRequest.maximumLength,
            within: door.configuration.handshakeDeadline
        ) { $0.contains(newline) }
        let guest: any GuestStream
        let line = opening.bytes.prefix { $0 != newline }
        do {
            guard opening.isComplete else {
                throw VersError(
                    .invalidBody,
                    "no first line of \(ProtocolChoice.tunnel) came: expected at most \(TunnelRequest.maximumLength) "
                        + "bytes within \(door.configuration.handshakeDeadline)"
                )
            }
            let request = try TunnelRequest(line: line)
            let principal = try await door.domain.authenticate(request.key)
            guard principal.organisationID == visit.reach.organisationID else {
                throw VersError(.notFound, "vm not found: \(visit.machine)", hint: "list VMs with: vers status")
            }
            guest = try await dial(Target(endpoint: request.endpoint, kind: .tunnel))
        } catch let error as VersError {
            try await say(TunnelRequest.answer(error))
            return
        }
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: TunnelRequest.answer(nil)))
        } catch {
            await guest.close()
            throw error
        }
        try await join(guest, dropping: line.count + 1, counted)
    }
}
