import Foundation
import NIOCore
import NIOPosix
import VersAPI
import VersClient

/// Local listeners whose connections lead into a VM, each by a tunnel of its own through the front door.
struct TunnelListeners {
    /// Waits between attempts to reach a VM that is away.
    private static let retryDelays: [Duration] = [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2)]
    /// How long a connection waits for it.
    private static let patience: Duration = .seconds(600)

    private typealias Accepted = any Channel
    private typealias Listener = NIOAsyncChannel<Accepted, Never>

    let session: Session
    let machine: MachineID

    /// Listens until a signal ends it.
    /// - Throws: `ExitCode` then.
    func run(_ specifications: [TunnelSpecification]) async throws {
        try await Interruption.ending { try await listen(specifications) }
    }

    private func listen(_ specifications: [TunnelSpecification]) async throws {
        var listeners: [(TunnelSpecification, Listener)] = []
        for one in specifications { listeners.append((one, try await bind(one))) }
        for (one, listener) in listeners {
            let port = listener.channel.localAddress?.port ?? Int(one.listening)
            let target = one.host.map { "\($0):\(one.target) as \(session.name(of: machine)) sees it" }
            session.context.print(
                "Forwarding 127.0.0.1:\(port) -> \(target ?? "\(session.name(of: machine)):\(one.target)")"
            )
        }
        session.context.note("Ctrl-C ends")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (one, listener) in listeners { group.addTask { try await serve(one, listener) } }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func bind(_ specification: TunnelSpecification) async throws -> Listener {
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: "127.0.0.1", port: Int(specification.listening)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Splice.hold(channel)
                        return channel
                    }
                }
        } catch {
            throw VersError(
                .conflict,
                "cannot listen on 127.0.0.1:\(specification.listening): \((error as? IOError)?.description ?? "\(error)")",
                hint: "choose another port; 0 takes a free one",
                cause: error
            )
        }
    }

    private func serve(_ specification: TunnelSpecification, _ listener: Listener) async throws {
        try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask { await forward(connection, to: specification) }
                }
            }
        }
    }

    /// One connection to its end. What becomes of it is its client's business, and said here for the person.
    private func forward(_ local: any Channel, to specification: TunnelSpecification) async {
        let destination = TunnelDialer.Destination(
            machine: machine,
            host: specification.host,
            port: specification.target
        )
        await withTaskCancellationHandler {
            do {
                let tunnel = try await dial(destination, for: local)
                try await Splice.join(local, tunnel).get()
            } catch let error as VersError where error.code != .cancelled {
                session.context.report(error)
                try? await local.close()
            } catch {
                session.context.debug("a connection ended: \(error)")
                try? await local.close()
            }
        } onCancel: {
            local.close(promise: nil)
        }
    }

    /// Waits for a VM that is paused, and for a server that is being restarted.
    private func dial(_ destination: TunnelDialer.Destination, for local: any Channel) async throws -> any Channel {
        let deadline = ContinuousClock.now + Self.patience
        var delays = Self.retryDelays[...]
        while true {
            do {
                return try await dialer().open(destination, on: local.eventLoop)
            } catch let error as VersError
                where [.unreachable, .conflict].contains(error.code) && ContinuousClock.now < deadline && local.isActive
            {
                session.context.debug("waiting for the VM: \(error.message)")
                try await Task.sleep(for: delays.popFirst() ?? Self.retryDelays[Self.retryDelays.count - 1])
            }
        }
    }

    /// Asked for each time: a server that was restarted may listen elsewhere.
    private func dialer() async throws -> TunnelDialer {
        try session.client.tunnels(through: try await session.door())
    }
}
