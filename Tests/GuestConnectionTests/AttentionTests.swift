import Foundation
import GuestProtocol
import Logging
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

/// What a host does about an agent that is slow, or hangs.
@Suite struct AttentionTests {
    private let patience = AgentPatience(silence: .milliseconds(50), answer: .seconds(2))

    @Test func anAgentThatHangsFailsWhatIsAskedOfItLongBeforeTheCallsOwnDeadline() async throws {
        let machine = MachineID()
        try await BusyAgent.run(.hangs) { channel in
            let connector = AgentConnector(logger: Logger(label: "test"), patience: patience)
            let session = try await connector.connect(to: channel, of: machine, deadline: .now + .seconds(20))
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await session.execute(ExecRequest(command: ["true"])) },
                { _ = try await session.readFile("/etc/passwd", limitInBytes: 100) },
                { try await session.writeFile("/tmp/x", bytes: [1], mode: 0o600, createDirectories: false) },
                { _ = try await session.dial(GuestEndpoint(port: 80)) },
            ]
            for call in calls {
                let error = await #expect(throws: VersError.self) { try await call() }
                #expect(error?.code == .timedOut)
                #expect(error?.message.contains(machine.text) == true)
                #expect(error?.hint?.contains("vers logs \(machine)") == true)
            }
            // It is not known to be gone: another call may find it awake.
            #expect(session.isOpen)
            await session.close()
            #expect(!session.isOpen)
        }
    }

    @Test func anAgentThatIsSlowButAliveIsWaitedFor() async throws {
        try await BusyAgent.run(.answersAfterPings(3)) { channel in
            let connector = AgentConnector(logger: Logger(label: "test"), patience: patience)
            let session = try await connector.connect(to: channel, of: MachineID(), deadline: .now + .seconds(20))
            try await session.signal(15, to: ExecID())
            await session.close()
        }
    }

    @Test func whoeverFollowsACommandIsToldOfAnAgentThatHangs() async throws {
        let machine = MachineID()
        try await BusyAgent.run(.hangsOnceCommandsRun) { channel in
            let connector = AgentConnector(logger: Logger(label: "test"), patience: patience)
            let session = try await connector.connect(to: channel, of: machine, deadline: .now + .seconds(20))
            let exec = try await session.execute(ExecRequest(command: ["sleep", "600"]))
            let error = await #expect(throws: VersError.self) { _ = try await exec.next() }
            #expect(error?.code == .timedOut)
            #expect(error?.message.contains(machine.text) == true && error?.message.contains(exec.id.text) == true)
            #expect(error?.hint?.contains("vers logs \(machine)") == true)
            // That was the last that it has to say, and the session is of use yet.
            #expect(try await exec.next() == nil)
            #expect(session.isOpen)
            _ = try await session.attach(AttachRequest(exec_id: exec.id))
            await session.close()
        }
    }

    @Test func anAgentWhoseGuestStandsStillIsNotMissed() async throws {
        try await BusyAgent.run(.hangsOnceCommandsRun) { channel in
            let connector = AgentConnector(logger: Logger(label: "test"), patience: patience)
            let session = try await connector.connect(to: channel, of: MachineID(), deadline: .now + .seconds(20))
            let isRunning = Mutex(false)
            let (questions, asked) = AsyncStream.makeStream(of: Void.self)
            session.countSilence {
                asked.yield()
                return isRunning.withLock { $0 }
            }
            let exec = try await session.execute(ExecRequest(command: ["sleep", "600"]))
            let isTold = Mutex(false)
            let event = Task {
                defer { isTold.withLock { $0 = true } }
                return try await exec.next()
            }
            for await _ in questions.prefix(5) { #expect(!isTold.withLock { $0 }) }
            isRunning.withLock { $0 = true }
            await #expect(throws: VersError.self) { _ = try await event.value }
            await session.close()
        }
    }

    @Test func aCommandThatSaysNothingIsFollowedWhileItsAgentAnswers() async throws {
        try await BusyAgent.run(.endsCommandsAfterPings(4)) { channel in
            let connector = AgentConnector(logger: Logger(label: "test"), patience: patience)
            let session = try await connector.connect(to: channel, of: MachineID(), deadline: .now + .seconds(20))
            let exec = try await session.execute(ExecRequest(command: ["sleep", "600"]))
            guard case .exit(7, _, _) = try await exec.next() else {
                Issue.record("the command did not end")
                return
            }
            await session.close()
        }
    }
}

/// Takes up a session, and keeps whatever is asked of it waiting.
private final class BusyAgent: ChannelInboundHandler {
    enum Manner {
        case hangs
        /// Answers every ping, and everything else with that one.
        case answersAfterPings(Int)
        /// Starts a command, or lets it be followed, and does nothing else.
        case hangsOnceCommandsRun
        /// Starts a command, and answers pings; it ends with status 7 at the last.
        case endsCommandsAfterPings(Int)
    }

    typealias InboundIn = Frame
    typealias OutboundOut = Frame

    private let manner: Manner
    private var session: UInt32 = 0
    private var held: [UInt32] = []
    private var pings = 0

    private init(_ manner: Manner) { self.manner = manner }

    /// Listens while `body` runs.
    static func run(_ manner: Manner, _ body: (FilePath) async throws -> Void) async throws {
        let directory = FilePath("/tmp/vers-busy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory.string) }
        let channel = directory.appending("agent.sock")
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([FrameCodec(), BusyAgent(manner)])
                }
            }
            .bind(unixDomainSocketPath: channel.string).get()
        try await body(channel)
        try await server.close().get()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.type {
        case .hello: greet(frame, context)
        case .request: take(frame, context)
        default: break
        }
    }

    private func greet(_ frame: Frame, _ context: ChannelHandlerContext) {
        guard let hello = try? Hello(decoding: frame.payload), let version = hello.commonVersion else { return }
        session = frame.session
        let facts = GuestFacts(agentVersion: "1", kernelRelease: "6", initName: "")
        let answer = HelloAcknowledgement(nonce: hello.nonce, version: version, facts: facts).frame
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }

    private func take(_ frame: Frame, _ context: ChannelHandlerContext) {
        switch manner {
        case .hangs: break
        case .answersAfterPings(let count): answer(frame, after: count, context)
        case .hangsOnceCommandsRun: startCommand(frame, context)
        case .endsCommandsAfterPings(let count):
            startCommand(frame, context)
            guard (try? Request(decoding: frame.payload)) == .ping else { return }
            reply(on: frame.channel, context)
            pings += 1
            guard pings == count, let command = held.first else { return }
            let end = ExitRecord(code: 7, cursor: 0).encoded()
            context.writeAndFlush(
                wrapOutboundOut(Frame(.exit, session: session, channel: command, payload: end)),
                promise: nil
            )
        }
    }

    private func startCommand(_ frame: Frame, _ context: ChannelHandlerContext) {
        switch try? Request(decoding: frame.payload) {
        case .spawn, .attach:
            held.append(frame.channel)
            reply(on: frame.channel, context)
        default: break
        }
    }

    private func reply(on channel: UInt32, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(Frame(.reply, session: session, channel: channel)), promise: nil)
    }

    private func answer(_ frame: Frame, after count: Int, _ context: ChannelHandlerContext) {
        held.append(frame.channel)
        guard (try? Request(decoding: frame.payload)) == .ping else { return }
        pings += 1
        let answered = pings >= count ? held : [frame.channel]
        for channel in answered { reply(on: channel, context) }
        held.removeAll { answered.contains($0) }
    }
}
