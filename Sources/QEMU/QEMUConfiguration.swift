public import SystemPackage

/// How this host's QEMU is used.
public struct QEMUConfiguration: Sendable {
    public static let defaultExecutable: FilePath = "/usr/bin/qemu-system-x86_64"

    public var executable: FilePath
    /// `libramlayers.so`, which gives QEMU layered guest memory.
    public var memoryLibrary: FilePath
    public var memory: MemoryPreference
    public var accelerator: AcceleratorPreference
    /// How much translated code a guest without KVM may keep. It is private memory of each machine.
    public var translationCacheMiB: Int
    public var timeouts: Timeouts
    /// Nil: machines run as the daemon's user.
    public var confinement: ConfinementPreference?
    /// Made of `confinement` where it can be had.
    var machineConfinement: MachineConfinement?

    /// How long each thing may take. Generous: a host that runs dozens of emulated guests is slow, not broken.
    public struct Timeouts: Sendable {
        /// Start of a monitor process until it answers.
        public var start: Duration = .seconds(60)
        /// One command that does little.
        public var command: Duration = .seconds(20)
        /// One command that may have to flush the guest's disk.
        public var flush: Duration = .seconds(60)
        /// Loading saved state.
        public var restore: Duration = .seconds(60)
        /// The wait for an earlier freeze of the same machine.
        public var earlierFreeze: Duration = .seconds(120)
        /// The wait for the process to end after it was asked to.
        public var quit: Duration = .seconds(5)

        public init() {}
    }

    public init(
        executable: FilePath = defaultExecutable,
        memoryLibrary: FilePath,
        memory: MemoryPreference = .automatic,
        accelerator: AcceleratorPreference = .automatic,
        translationCacheMiB: Int = 32,
        timeouts: Timeouts = Timeouts(),
        confinement: ConfinementPreference? = nil
    ) {
        self.executable = executable
        self.memoryLibrary = memoryLibrary
        self.memory = memory
        self.accelerator = accelerator
        self.translationCacheMiB = translationCacheMiB
        self.timeouts = timeouts
        self.confinement = confinement
    }
}
