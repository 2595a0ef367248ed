public import SystemPackage
public import VersAPI

public import struct Foundation.Date

/// Opens sessions with agents.
public protocol GuestConnector: Sendable {
    /// Connects to an agent and resynchronises with it, whatever state a branch left the channel in.
    /// - Parameter machine: the VM that errors of the session name.
    /// - Throws: ``VersError`` `.timedOut` when the agent does not answer before `deadline`.
    func connect(
        to channel: FilePath,
        of machine: MachineID,
        deadline: ContinuousClock.Instant
    ) async throws -> any GuestSession
}

/// The conversation with one guest's agent. Calls may run concurrently.
///
/// When the connection is lost every pending call throws ``VersError`` `.unavailable`; commands in the guest run
/// on and can be attached to from the next session. An agent that shows no sign of life while a command is followed, or a
/// command, a file, a log or a connection is asked for, fails the call with `.timedOut` within seconds, long before the call's
/// own deadline.
public protocol GuestSession: Sendable {
    /// False once the connection is lost.
    var isOpen: Bool { get }

    /// When the agent answered.
    var begin: Date { get }

    /// Whether the agent had an identity when the session began. One that was started again in a VM that runs has none.
    var hasIdentity: Bool { get }

    /// Has the silence of the agent count only while `isRunning` says that its guest runs: one that is paused is silent, too.
    /// Until this is called every silence counts. `isRunning` must not wait for the guest or its monitor.
    func countSilence(onlyWhile isRunning: @escaping @Sendable () async -> Bool)

    /// Makes the guest a machine of its own. Returns when its random numbers, clock, id, keys and environment are; what
    /// wakes others up in the guest (host name, sshd's key, dead connections) is done before the agent serves the next
    /// request. One round trip.
    func applyIdentity(_ identity: GuestIdentity) async throws

    /// Runs the command of an image that has no init, once in the life of a boot. Returns when it runs or cannot; the
    /// console says what becomes of it.
    func startWorkload() async throws

    /// Waits until the guest's init has started everything it starts at boot.
    func waitUntilSettled(deadline: ContinuousClock.Instant) async throws

    /// Starts a command. `request.exec_id` is set. Returns when the process exists.
    func execute(_ request: ExecRequest) async throws -> any GuestExec

    /// Follows a command that runs or ran, from a cursor on.
    func attach(_ request: AttachRequest) async throws -> any GuestExec

    /// Feeds a command's stdin. Returns when the agent has taken the bytes: back-pressure ends at the process.
    func sendInput(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) async throws

    func resizeTerminal(of exec: ExecID, to size: TerminalSize) async throws

    /// Sends a signal to the command's process group.
    func signal(_ number: Int32, to exec: ExecID) async throws

    /// Output of commands from a byte offset in the agent's journal. `stream` nil means both.
    func logs(offset: UInt64, maximumEntries: Int, stream: OutputStream?) async throws -> LogPage

    /// - Throws: `.notFound`, `.invalidArgument` (a directory, a relative path), `.payloadTooLarge`.
    func readFile(_ path: String, limitInBytes: Int) async throws -> [UInt8]

    /// Writes to a temporary file beside `path` and renames it.
    func writeFile(_ path: String, bytes: [UInt8], mode: UInt32, createDirectories: Bool) async throws

    /// Opens a TCP connection inside the guest. Returns when it is established.
    /// - Throws: `.unavailable` when nothing listens there or it cannot be reached, `.timedOut` when it does not answer,
    ///   `.notFound` for a name that the guest cannot resolve, `.resourceExhausted` when too many are open,
    ///   `.incompatible` when the agent is too old.
    func dial(_ endpoint: GuestEndpoint) async throws -> any GuestStream

    /// Grows the root filesystem to its disk, while mounted. Returns its size in MiB.
    func growRootFilesystem() async throws -> Int

    /// Asks the guest's init to power off. Returns when it was asked.
    func powerOff() async throws

    /// Returns when the connection is gone.
    func waitUntilClosed() async

    /// Idempotent.
    func close() async
}

/// A followed command.
public protocol GuestExec: Sendable {
    var id: ExecID { get }

    /// The next event; nil after `.exit` or `.error`. The agent sends no more than the reader has room for.
    /// Not to be called concurrently with itself.
    /// - Throws: `.timedOut` when the agent shows no sign of life, `.unavailable` when the connection is lost. The command
    ///   runs on, and can be attached to.
    func next() async throws -> ExecEvent?

    /// Stops following; the command runs on. Idempotent.
    func detach() async
}

/// What a guest must know to be itself.
public struct GuestIdentity: Sendable {
    public var machineID: MachineID
    /// At least 32 bytes from the host's random number generator.
    public var entropy: [UInt8]
    /// Nanoseconds since 1970, read as late as possible.
    public var wallClockNanoseconds: UInt64
    /// The generated host name. The guest takes it only when its present name was generated too.
    public var hostname: String
    /// One line of OpenSSH's `authorized_keys`, which replaces the line of an earlier identity.
    public var authorizedKey: String
    /// The private host key of the guest's sshd, in OpenSSH's PEM format (ed25519). The agent writes it and its
    /// public half where sshd looks, when the image has an sshd.
    public var sshHostKey: String
    /// For `/etc/environment`, in place of the variables of an earlier identity.
    public var environment: [String: String]
    /// Whether connections to the outside belong to another machine now, and must fail at once.
    public var dropsConnections: Bool

    public init(
        machineID: MachineID,
        entropy: [UInt8],
        wallClockNanoseconds: UInt64,
        hostname: String,
        authorizedKey: String,
        sshHostKey: String,
        environment: [String: String],
        dropsConnections: Bool
    ) {
        self.machineID = machineID
        self.entropy = entropy
        self.wallClockNanoseconds = wallClockNanoseconds
        self.hostname = hostname
        self.authorizedKey = authorizedKey
        self.sshHostKey = sshHostKey
        self.environment = environment
        self.dropsConnections = dropsConnections
    }
}
