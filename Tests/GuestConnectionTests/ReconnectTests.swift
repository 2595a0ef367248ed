import Foundation
import GuestProtocol
import Logging
import NIOCore
import NIOPosix
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

@Suite struct ReconnectTests {
    /// Sends bytes to the agent as a host that vanishes would.
    private func send(_ bytes: [UInt8], to socket: FilePath) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: socket.string).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
        try await channel.close().get()
    }

    @Test func aConnectionCutInsideAFrameDoesNoHarm() async throws {
        let fixture = try AgentFixture()
        var bytes: [UInt8] = []
        Frame(.request, session: 1, channel: 1, payload: [UInt8](repeating: 3, count: 1000)).encode(into: &bytes)
        for length in [1, 2, 11, 100, bytes.count - 1] {
            try await send(Array(bytes[..<length]), to: fixture.socket)
            let session = try await fixture.connect()
            #expect(try await session.run("echo alive").text == "alive\n")
            await session.close()
        }
    }

    @Test func noiseDoesNoHarm() async throws {
        let fixture = try AgentFixture()
        var state: UInt64 = 99
        let noise = (0..<200_000).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        try await send(noise, to: fixture.socket)
        let session = try await fixture.connect()
        #expect(try await session.run("echo alive").text == "alive\n")
        await session.close()
    }

    @Test func commandsOutliveTheConnection() async throws {
        let fixture = try AgentFixture()
        let first = try await fixture.connect()
        let id = ExecID()
        let exec = try await first.execute(
            ExecRequest(command: ["sh", "-c", "echo before; read x; echo got $x"], exec_id: id, keep_stdin_open: true)
        )
        guard case .chunk = try await exec.next() else { return #expect(Bool(false), "no output") }
        await first.close()
        let error = await #expect(throws: VersError.self) { _ = try await exec.next() }
        #expect(error?.code == .unavailable)

        let second = try await fixture.connect()
        let again = try await second.attach(AttachRequest(exec_id: id))
        let latest = try await second.attach(AttachRequest(exec_id: id, cursor: 1))
        try await second.sendInput(Array("input\n".utf8), to: id, endOfInput: true)
        #expect(try await Transcript(of: again).text == "before\ngot input\n")
        #expect(try await Transcript(of: latest).text == "got input\n")
        let ended = try await second.attach(AttachRequest(exec_id: id))
        let replay = try await Transcript(of: ended)
        #expect(replay.text == "before\ngot input\n" && replay.exitCode == 0)
        let onlyExit = try await second.attach(AttachRequest(exec_id: id, from_latest: true))
        #expect(try await Transcript(of: onlyExit).stdout.isEmpty)
        for ahead in [1 << 62, 1 << 63, UInt64.max] {
            let exit = try await second.attach(AttachRequest(exec_id: id, cursor: ahead))
            #expect(try await Transcript(of: exit).cursors.count == 1, "cursor \(ahead)")
        }
        await #expect(throws: VersError.self) { _ = try await second.attach(AttachRequest(exec_id: ExecID())) }
        await second.close()
    }

    @Test func aFollowerThatIsLetGoOfHoldsNothingUp() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let id = ExecID()
        let exec = try await session.execute(
            ExecRequest(command: ["sh", "-c", "seq 1 400000 >&2; echo done"], exec_id: id)
        )
        await exec.detach()
        let rest = try await session.attach(AttachRequest(exec_id: id, from_latest: true))
        let result = try await Transcript(of: rest)
        #expect(result.exitCode == 0 && result.text == "done\n")
        await session.close()
    }

    @Test func theEndOfTheAgentFailsWhatWaits() async throws {
        var fixture: AgentFixture? = try AgentFixture()
        let session = try #require(try await fixture?.connect())
        let exec = try await session.execute(ExecRequest(command: ["sleep", "1000"]))
        async let event = exec.next()
        async let closed: Void = session.waitUntilClosed()
        fixture = nil
        await closed
        do {
            _ = try await event
            #expect(Bool(false), "an event came from an agent that is gone")
        } catch let error as VersError {
            #expect(error.code == .unavailable)
        }
        let error = await #expect(throws: VersError.self) {
            _ = try await session.readFile("/etc/passwd", limitInBytes: 9999)
        }
        #expect(error?.code == .unavailable)
        await session.close()
    }

    @Test func anAgentThatDoesNotAnswerIsTimedOut() async throws {
        let directory = FilePath("/tmp/vers-silent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory.string) }
        let socket = directory.appending("agent.sock")
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: socket.string).get()
        let connector = AgentConnector(logger: .init(label: "test"))
        let machine = MachineID()
        let error = await #expect(throws: VersError.self) {
            _ = try await connector.connect(to: socket, of: machine, deadline: .now + .milliseconds(300))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains(machine.text) == true)
        #expect(error?.hint?.contains("vers stop \(machine)") == true)
        try await server.close().get()
        let gone = await #expect(throws: VersError.self) {
            _ = try await connector.connect(
                to: directory.appending("none.sock"),
                of: machine,
                deadline: .now + .seconds(5)
            )
        }
        #expect(gone?.code == .unavailable)
    }

    @Test func thePathOfTheSocketMayBeLong() async throws {
        let fixture = try AgentFixture()
        let long = fixture.directory.appending(String(repeating: "d", count: 120))
        try FileManager.default.createSymbolicLink(atPath: long.string, withDestinationPath: fixture.directory.string)
        let session = try await AgentConnector(logger: .init(label: "test"))
            .connect(to: long.appending("agent.sock"), of: MachineID(), deadline: .now + .seconds(10))
        #expect(try await session.run("echo far").text == "far\n")
        await session.close()
    }
}
