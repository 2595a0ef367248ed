import GuestProtocol
public import Logging
import NIOCore
import NIOPosix
public import SystemPackage
public import VersAPI
public import VersCore

/// Reaches agents over the Unix sockets of the monitors.
public struct AgentConnector: GuestConnector {
    /// How often the greeting is repeated: while a kernel boots, nobody takes what is sent.
    static let greetingInterval = TimeAmount.milliseconds(200)

    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let patience: AgentPatience

    public init(logger: Logger) { self.init(logger: logger, patience: AgentPatience()) }

    init(logger: Logger, patience: AgentPatience) {
        self.logger = logger
        self.patience = patience
        group = .singleton
    }

    public func connect(
        to channel: FilePath,
        of machine: MachineID,
        deadline: ContinuousClock.Instant
    ) async throws -> any GuestSession {
        let start = ContinuousClock.now
        let connection = try await open(channel)
        let session = AgentSession(connection: connection, machine: machine, patience: patience, logger: logger)
        do {
            try await withDeadline(deadline, "the answer of the guest's agent") { try await session.greet() }
        } catch let error as VersError where error.code == .timedOut {
            await session.close()
            throw VersError.silentAgent(of: machine, for: deadline - start)
        } catch {
            await session.close()
            throw error
        }
        return session
    }

    /// The path of a Unix socket has at most 107 bytes, the path of its directory through `/proc` always has less.
    private func open(_ path: FilePath) async throws -> NIOAsyncChannel<Frame, Frame> {
        guard let name = path.lastComponent else {
            throw VersError(.invalidArgument, "invalid socket path '\(path)': expected a file")
        }
        do {
            let directory = try FileDescriptor.open(
                path.removingLastComponent(),
                .readOnly,
                options: [.directory, .closeOnExec]
            )
            defer { try? directory.close() }
            return try await ClientBootstrap(group: group).connect(
                unixDomainSocketPath: "/proc/self/fd/\(directory.rawValue)/\(name)"
            ) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FrameCodec())
                    return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
        } catch {
            throw VersError(.unavailable, "the guest's channel at '\(path)' cannot be reached", cause: error)
        }
    }
}
