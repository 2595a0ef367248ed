import FrontDoor
import NIOCore
import NIOPosix
import Testing
import VersAPI
import VersClient
import VersCore

/// The client's way in, through a real door.
struct TunnelDialerTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func dialer(
        to fixture: DoorFixture,
        key: String = DomainDouble.key,
        _ change: (inout TunnelDoor) -> Void = { _ in }
    ) throws -> TunnelDialer {
        var door = TunnelDoor(
            host: "127.0.0.1",
            port: fixture.port,
            domain: fixture.description.domain,
            certificateAuthority: fixture.description.ca_certificate
        )
        change(&door)
        return try TunnelDialer(door: door, apiKey: key)
    }

    private func expectFailure(
        _ code: ErrorCode,
        _ dialer: TunnelDialer,
        _ destination: TunnelDialer.Destination,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        let error = await #expect(throws: VersError.self, sourceLocation: sourceLocation) {
            try await dialer.open(destination, on: loop)
        }
        #expect(error?.code == code, sourceLocation: sourceLocation)
    }

    @Test func `a connection carries what the guest's service and the client say`() async throws {
        try await DoorFixture.run { door in
            door.domain.serve(5432, DomainDouble.banner("hello "))
            let destination = TunnelDialer.Destination(machine: door.domain.machine, host: "db", port: 5432)
            let tunnel = try await dialer(to: door).open(destination, on: loop)
            let (local, far) = try await Self.pair(on: loop)
            let joined = Splice.join(local, tunnel)
            let text = try await far.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "world"))
                outbound.finish()
                var all = ByteBuffer()
                for try await piece in inbound { all.writeImmutableBuffer(piece) }
                return String(buffer: all)
            }
            #expect(text == "hello world")
            try await joined.get()
            #expect(door.domain.guests.map(\.endpoint.host) == ["db"])
        }
    }

    @Test func `what the door refuses has its code`() async throws {
        try await DoorFixture.run { door in
            let machine = door.domain.machine
            try await expectFailure(.unauthenticated, dialer(to: door, key: "x"), .init(machine: machine, port: 1))
            try await expectFailure(.notFound, dialer(to: door, key: "foreign key"), .init(machine: machine, port: 1))
            // Nothing listens there.
            try await expectFailure(.unavailable, dialer(to: door), .init(machine: machine, port: 1))
            // No certificate for a VM that there is not.
            try await expectFailure(.incompatible, dialer(to: door), .init(machine: MachineID(), port: 1))
        }
    }

    @Test func `a door of another authority is not entered, and one that is not there is said to be`() async throws {
        try await DoorFixture.run { door in
            let destination = TunnelDialer.Destination(machine: door.domain.machine, port: 1)
            try await expectFailure(.incompatible, dialer(to: door) { $0.certificateAuthority = nil }, destination)
            #expect(door.domain.guests.isEmpty)
            // A port that was free just now.
            try await expectFailure(.unreachable, dialer(to: door) { $0.port = 1 }, destination)
            #expect(throws: VersError.self) { try dialer(to: door) { $0.certificateAuthority = "nonsense" } }
        }
    }

    /// A connected pair, whose one end is to be joined.
    private static func pair(
        on loop: any EventLoop
    ) async throws -> (near: any Channel, far: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        let (accepted, source) = AsyncStream.makeStream(of: (any Channel).self)
        let server = try await ServerBootstrap(group: loop)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                source.yield(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let far = try await ClientBootstrap(group: loop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(to: try #require(server.localAddress)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        var iterator = accepted.makeAsyncIterator()
        let near = try #require(await iterator.next())
        try await server.close()
        return (near, far)
    }
}
