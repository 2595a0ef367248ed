import CGuest
import Glibc
import GuestProtocol

/// The guest's side: one thread, one event loop, until the machine is powered off. Only ``stop()`` may be called
/// from another thread, which is why it can be sent to one.
public final class Agent: @unchecked Sendable {
    public static let version = "1"
    static let portName = "vers.agent"

    let loop: EventLoop
    let port: Port
    let machine: Machine
    var handshake = GuestHandshake()
    var assembler = MessageAssembler()
    var readings: [UInt32: FileReading] = [:]
    var writings: [UInt32: FileWriting] = [:]
    lazy var streams = StreamTable(loop: loop) { [unowned self] in send($0, flags: $1, channel: $2, $3) }
    private var isStreamsTurn = false
    lazy var commands = CommandTable(
        loop: loop,
        journalCapacityInBytes: machine.journalCapacityInBytes,
        imageEnvironment: machine.workload?.environment ?? [],
        cgroup: { [machine] in machine.cgroupDescriptor() },
        send: { [unowned self] in send($0, channel: $1, $2) }
    )
    /// The size of the root disk when its filesystem was grown last.
    var lastDiskSize: UInt64 = 0
    var growthWaiters: [UInt32] = []
    var growthTimer: EventLoop.TimerID?
    lazy var identity = IdentityKeeper(machine: machine)
    lazy var ssh = SSHService(machine: machine, loop: loop, identity: identity)
    lazy var workload = WorkloadRunner(machine.workload, loop: loop, commands: commands)

    /// Serves one connection at a time on a Unix socket and changes nothing of the machine it runs on: the same
    /// agent without a VM, for tests of the host's side.
    /// - Parameter programs: a folder in place of the one that an initramfs brings.
    public convenience init(socket path: String, programs: String? = nil) throws {
        signal(SIGPIPE, SIG_IGN)
        let folder = programs.map { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } ?? -1
        try self.init(machine: Machine(isGuest: false, programsDescriptor: folder))
        try port.listen(at: path)
    }

    /// Serves until ``stop()``. Commands that still run are killed at the end.
    public func serve() throws {
        try run()
        commands.killAll()
        streams.endSession()
        port.close()
    }

    /// Has ``serve()`` return. From any thread.
    public func stop() {
        loop.stop()
    }

    init(machine: Machine) throws(SystemError) {
        self.machine = machine
        loop = try EventLoop()
        port = Port(loop: loop)
        port.onFrame = { [unowned self] in receive($0) }
        port.onHangUp = { [unowned self] in endSession() }
        streams.ownService = { [unowned self] (port) throws(Failure) in
            port == SSHService.port && ssh.isAvailable ? try ssh.connect() : nil
        }
    }

    func run() throws(SystemError) {
        try loop.run { [unowned self] in prepareToWait() }
    }

    /// - Returns: whether there is more to do at once.
    private func prepareToWait() -> Bool {
        port.readRemaining()
        let isHolding = streams.deliver(isMoreExpected: port.isBusy)
        // Commands and streams take turns in being the first, so that neither keeps the other from the port.
        isStreamsTurn.toggle()
        var hasMore = isStreamsTurn && pumpStreams()
        hasMore = commands.pump { port.waitingBytes < Port.highWaterInBytes } || hasMore
        if !isStreamsTurn { hasMore = pumpStreams() || hasMore }
        hasMore = pumpFiles() || hasMore
        port.flush()
        if isHolding, !port.needsTurn { port.pauseForMore() }
        let canWrite = port.waitingBytes < Port.highWaterInBytes
        return isHolding || port.needsTurn || (canWrite && hasMore)
    }

    private func pumpStreams() -> Bool {
        streams.pump { port.waitingBytes < Port.highWaterInBytes }
    }

    func send(_ type: FrameType, flags: FrameFlags = [], channel: UInt32, _ payload: [UInt8]) {
        guard let session = handshake.session else { return }
        if payload.count <= ProtocolLimits.payloadInBytes {
            port.send(Frame(type, flags: flags, session: session, channel: channel, payload: payload))
        } else {
            for frame in MessageAssembler.split(type, session: session, channel: channel, message: payload) {
                port.send(frame)
            }
        }
    }

    func endSession() {
        commands.endSession()
        streams.endSession()
        readings.removeAll()
        writings.removeAll()
        assembler = MessageAssembler()
        machine.settledWaiters.removeAll()
        growthWaiters.removeAll()
    }

    /// Sends a piece of every file that the host has room for.
    /// - Returns: whether any was sent.
    private func pumpFiles() -> Bool {
        var hasSent = false
        for (channel, reading) in readings {
            guard port.waitingBytes < Port.highWaterInBytes else { return true }
            do throws(Failure) {
                guard let bytes = try reading.next() else { continue }
                hasSent = true
                send(.data, flags: bytes.isEmpty ? .end : [], channel: channel, bytes)
                if bytes.isEmpty { readings[channel] = nil }
            } catch {
                readings[channel] = nil
                send(.failure, channel: channel, error.encoded())
            }
        }
        return hasSent
    }
}
