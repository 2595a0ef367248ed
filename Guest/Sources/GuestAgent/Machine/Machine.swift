import CGuest
import Glibc
import GuestProtocol

/// What the agent knows of the machine it runs in.
final class Machine {
    /// False for an agent that serves a socket of the host and must leave the host alone.
    let isGuest: Bool
    /// The path of the image's init; empty when the agent is it.
    let initPath: String
    /// How an image that was made from a container image wants to run; nil for any other.
    let workload: Workload?
    /// Where systemd reports that it has started everything, or -1 with any other init.
    let notifyDescriptor: Int32
    private let settledMark: SettledMark?
    /// Events of the kernel's devices, or -1.
    let ueventDescriptor: Int32
    /// The folder of ``BroughtPrograms``, or -1.
    let programsDescriptor: Int32
    /// The program behind ``Request/spawnTool(_:)``; nil when the initramfs brought none.
    private(set) lazy var toolbox = BroughtPrograms.toolbox(in: programsDescriptor)
    /// Kept open, so that the image's `/dev` need not stay as it is.
    private(set) lazy var randomDescriptor = open("/dev/random", O_WRONLY | O_CLOEXEC)
    private lazy var cgroupProcs = openCgroup()
    private var isInRootCgroup = false

    private(set) var isSettled: Bool
    /// Channels that wait for ``isSettled``.
    var settledWaiters: [UInt32] = []

    init(
        isGuest: Bool,
        initPath: String = "",
        workload: Workload? = nil,
        notifyDescriptor: Int32 = -1,
        settledMark: SettledMark? = nil,
        ueventDescriptor: Int32 = -1,
        programsDescriptor: Int32 = -1
    ) {
        self.isGuest = isGuest
        self.workload = workload
        self.initPath = initPath
        self.notifyDescriptor = notifyDescriptor
        self.ueventDescriptor = ueventDescriptor
        self.programsDescriptor = programsDescriptor
        self.settledMark = settledMark
        isSettled = notifyDescriptor < 0 || settledMark?.isSet == true
    }

    var facts: GuestFacts {
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return GuestFacts(agentVersion: Agent.version, kernelRelease: release, initName: initPath)
    }

    /// A part of memory that the output of commands may take.
    var journalCapacityInBytes: Int {
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return max(256 * 1024, min(8 * 1024 * 1024, memory / 32))
    }

    func checkIsGuest() throws(Failure) {
        guard isGuest else { throw Failure(.unsupported, "the agent does not run in a VM") }
    }

    /// Commands belong to no unit of the image's init, so that none of its limits and stops reach them.
    ///
    /// systemd takes every process of the root cgroup into its own when it starts. Once it has started everything the
    /// agent moves back to the root, for good, and commands are born there: a move waits for RCU grace periods, which
    /// made most of the time of a short command.
    /// - Returns: where a command must be moved to, or -1.
    func cgroupDescriptor() -> Int32 {
        if isInRootCgroup { return -1 }
        if cgroupProcs < 0 { cgroupProcs = openCgroup() }
        if notifyDescriptor >= 0, isSettled, cgroupProcs >= 0, write(cgroupProcs, "0", 1) == 1 {
            close(cgroupProcs)
            cgroupProcs = -1
            isInRootCgroup = true
        }
        return cgroupProcs
    }

    private func openCgroup() -> Int32 {
        isGuest ? open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC) : -1
    }

    /// Takes a message of systemd's notification protocol.
    /// - Returns: the channels to answer, when it says that everything has started.
    func receiveNotification() -> [UInt32] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(notifyDescriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return [] }
            let lines = buffer[..<count].split(separator: UInt8(ascii: "\n"))
            guard lines.contains(where: { $0.elementsEqual("READY=1".utf8) }) else { continue }
            isSettled = true
            settledMark?.set()
            // Now, so that no command of a VM restored from this state pays for it.
            _ = cgroupDescriptor()
            defer { settledWaiters.removeAll() }
            return settledWaiters
        }
    }
}
