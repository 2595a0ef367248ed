/// Every number that both sides must agree on.
public enum ProtocolLimits {
    /// The first and the last version of the conversation that this build can hold. An agent lives as long as the
    /// memory of its VM, which is longer than the daemon's release: the host speaks the older of the two.
    public static let oldestVersion: UInt16 = 1
    public static let newestVersion: UInt16 = 2

    /// Bytes of payload in one frame.
    public static let payloadInBytes = 32 * 1024
    /// Bytes of a message that is spread over several frames.
    public static let messageInBytes = 1024 * 1024
    /// Messages of which only a part has arrived.
    public static let partialMessages = 64
    /// Credit that each direction of a new channel starts with.
    public static let windowInBytes = 256 * 1024
    /// The same for a stream, of which there may be many more, and what it may grow to.
    public static let streamWindowInBytes = 64 * 1024
    public static let largestStreamWindowInBytes = 512 * 1024
    /// By how much one side lets the windows of all its streams grow together.
    public static let streamGrowthInBytes = 32 * 1024 * 1024
    /// Streams that an agent holds open for one host.
    public static let streams = 2048
    public static let hostNameInBytes = 255
    /// Bytes of stdin in one `input` request or at the start of a command.
    public static let inputInBytes = 64 * 1024
    /// Bytes of output in one record.
    public static let recordInBytes = 16 * 1024
    /// Bytes of output in one page of the log.
    public static let logPageInBytes = 512 * 1024
    public static let logPageEntries = 10_000
    public static let arguments = 8192
    public static let environmentVariables = 4096
    public static let textInBytes = 512 * 1024
    public static let pathInBytes = 4096
    public static let entropyInBytes = 4096
}
