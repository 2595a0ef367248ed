internal import Foundation
internal import HostSystem
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// The arguments of a machine's QEMU. One that boots and one that waits for saved state differ in firmware and disk only:
/// device state loads into the very same set of devices alone.
struct QEMUCommandLine: Sendable {
    /// Part of ``HypervisorCompatibility``: to be changed with anything that saved device state depends on.
    static let deviceSet = "q35-virtio-4"
    static let machineType = "pc-q35-7.2"
    static let guestPortName = "vers.agent"
    static let guestPortID = "agent0"
    /// The section of ``guestPort``'s device in saved device state.
    static let guestPortSection = "0000:00:03.0/virtio-console"
    /// The guest's disk in QEMU's object tree.
    static let diskDevice = "/machine/peripheral/disk0"
    /// The node behind the disk of a machine that waits, until it is told which disk it has.
    static let absentDiskNode = "absent"

    /// What a machine does when it is started.
    enum Start: Sendable {
        case boot(LaunchConfiguration)
        /// Waits for saved state.
        case wait
    }

    var machineID: MachineID
    var directory: FilePath
    var memoryMiB: Int
    var vcpuCount: Int
    var start: Start
    var accelerator: String
    var memoryMode: MemoryMode
    var translationCacheMiB: Int
    /// Inherited as ``InheritedDescriptor/tap``. Nil: the user-mode network.
    var tap: GuestTap?
    /// Whether the process may make files in ``MachineFile/ownDirectory`` only.
    var isConfined = false

    /// Whether it waits for saved state.
    var waits: Bool {
        switch start {
        case .boot: false
        case .wait: true
        }
    }

    var arguments: [String] {
        identity + board + processor + memory + firmware + disk + guestPort + console + devices + monitor + confinement
            + waiting
    }

    /// A baseline that every 64-bit server of the last decade meets (x86-64-v2 with AES), so that a commit moves
    /// between hosts; `enforce` refuses a host that does not. Emulation gives the same `max` everywhere.
    static func cpuModel(accelerator: String) -> String {
        accelerator == "kvm"
            ? "qemu64,-svm,+cx16,+lahf-lm,+popcnt,+pni,+sse4.1,+sse4.2,+ssse3,+aes,enforce"
            : "max"
    }

    /// Emulation copies memory a byte at a time where a guest believes that `rep movsb` is fast: without that flag, guests
    /// copy words, and streams into them need half of the processor. It is advice, which state saved with it does not miss.
    static func cpuOption(accelerator: String) -> String {
        cpuModel(accelerator: accelerator) + (accelerator == "kvm" ? "" : ",-erms")
    }

    /// Emulation keeps what it has translated of a program by the addresses that the program lay at: since QEMU 7.2.9 and 8.2
    /// code that lies elsewhere is translated anew, so that with random addresses a start of `true` takes 30 ms in place of
    /// 7, and fills the cache of translations. The guest may ask for them: `sysctl kernel.randomize_va_space=2`.
    static func kernelArguments(accelerator: String, adding extra: [String]) -> String {
        let base = [
            "console=ttyS0", "panic=-1", "root=/dev/vda", "rw", "random.trust_cpu=on", "net.ifnames=0",
            // The kernel measures whether the timer's interrupts come in time, and panics on a busy host, where they do not.
            "no_timer_check", "quiet",
        ]
        return (base + (accelerator == "kvm" ? [] : ["norandmaps"]) + extra).joined(separator: " ")
    }

    private var identity: [String] {
        ["-name", "guest=\(machineID.text),debug-threads=on"]
    }

    private var board: [String] {
        // Every device that is left out is start-up time, device state and attack surface less. `suppress-vmdesc` and
        // `send-configuration` make the saved state loadable as an incoming stream.
        let options = [
            Self.machineType, "hpet=off", "smm=off", "sata=off", "smbus=off", "vmport=off", "suppress-vmdesc=on",
            "mem-merge=off", "dump-guest-core=off", "memory-backend=ram",
        ]
        return [
            "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", options.joined(separator: ","),
            "-global", "migration.send-configuration=off",
            "-global", "migration.x-events=on",
            // It serves guests of 32 bits only. Its state is loaded on a vCPU's thread, which would drop all translations first.
            "-global", "apic-common.vapic=off",
            // The modern interface saves 1,024 queues of every device: 180 KB, each field of which costs time in the pause
            // and in the child that loads it.
            "-global", "virtio-pci.disable-modern=on",
            // A reset must end the process: RAM may hold no layers then. A panic must be told from a power-off.
            "-action", "reboot=shutdown,shutdown=poweroff,panic=pause",
        ]
    }

    /// Emulated, a guest's notification is handled faster on the vCPU's thread than by waking another; and every stop and
    /// every start of the machine would take the event descriptors apart, and make them anew.
    private var notification: String { accelerator == "kvm" ? "" : ",ioeventfd=off" }

    private var processor: [String] {
        let accel = accelerator == "kvm" ? "kvm" : "tcg,thread=multi,tb-size=\(translationCacheMiB)"
        return [
            "-accel", accel,
            "-cpu", Self.cpuOption(accelerator: accelerator),
            "-smp", "\(vcpuCount)",
        ]
    }

    private var memory: [String] {
        [
            "-m", "\(memoryMiB)M",
            "-object",
            "memory-backend-file,id=ram,size=\(memoryMiB)M,mem-path=\(MachineFile.ram),share=on,prealloc=off",
        ]
    }

    /// Read by the guest's firmware only. A machine that waits for saved state never starts its firmware, and spares
    /// the time to read the files and the private memory that holds them (15 MiB).
    private var firmware: [String] {
        guard case .boot(let machine) = start else { return [] }
        return [
            "-kernel", machine.kernel.string,
            "-initrd", machine.initramfs.string,
            "-append", Self.kernelArguments(accelerator: accelerator, adding: machine.kernelArguments),
        ]
    }

    private var disk: [String] {
        let (node, options) =
            switch start {
            case .boot(let machine):
                (DiskLayer(file: machine.activeDisk).nodeName, DiskLayer(file: machine.activeDisk).openOptions)
            case .wait:
                (Self.absentDiskNode, #"{"driver":"null-co","node-name":"\#(Self.absentDiskNode)","read-zeroes":true}"#)
            }
        return [
            "-blockdev", options,
            "-device",
            "virtio-blk-pci,id=disk0,addr=0x6,drive=\(node),werror=stop,rerror=stop,share-rw=off\(notification)",
        ]
    }

    private var waiting: [String] { waits ? ["-incoming", "defer", "-S"] : [] }

    private var guestPort: [String] {
        [
            "-chardev", "socket,id=agent,fd=\(InheritedDescriptor.guestPort.rawValue),server=on,wait=off",
            "-device", "virtio-serial-pci,id=serial0,addr=0x3,max_ports=2\(notification)",
            "-device",
            "virtserialport,id=\(Self.guestPortID),bus=serial0.0,nr=1,chardev=agent,name=\(Self.guestPortName)",
        ]
    }

    /// To the memory library where there is one, which keeps the file's size bounded whatever the guest prints.
    private var console: [String] {
        ["-chardev", Self.console(memoryMode, isConfined: isConfined), "-serial", "chardev:console"]
    }

    private static func console(_ mode: MemoryMode, isConfined: Bool) -> String {
        let file =
            mode == .layers
            ? "/proc/self/fd/\(MachineFile.consoleDescriptor)"
            : MachineFile.name(MachineFile.console, isConfined: isConfined)
        return "file,id=console,path=\(file),append=on"
    }

    /// How a QEMU that was started with `arguments` holds its guest's memory. A file that is missing would not tell.
    static func memoryMode(ofArguments arguments: [String]) -> MemoryMode {
        arguments.contains(console(.layers, isConfined: false)) ? .layers : .copy
    }

    private var devices: [String] {
        [
            "-device", "pvpanic-pci,id=panic0,addr=0x2",
            "-object", "rng-builtin,id=rng0",
            "-device", "virtio-rng-pci,id=random0,addr=0x4,rng=rng0\(notification)",
            // A restored guest would announce itself to a network that it has to itself: a tenth of the code that it runs
            // until it answers. (`announce-rounds=0` makes QEMU 7.2 crash at the guest's next reset.)
            "-device",
            "virtio-net-pci,id=nic0,addr=0x5,netdev=net0,mac=52:54:00:76:65:72,romfile=,guest_announce=off\(notification)",
        ] + network
    }

    /// The device is opened without offloads, so that the guest's card offers the same in both networks, and saved state
    /// loads in either. For the same reason a user-mode network is there, connected with nothing: its state is part of
    /// what is saved.
    private var network: [String] {
        guard tap != nil else { return ["-netdev", "user,id=net0"] }
        return [
            "-netdev", "tap,id=net0,fd=\(InheritedDescriptor.tap.rawValue)",
            "-netdev", "user,id=idle,restrict=on",
        ]
    }

    private var monitor: [String] {
        [
            "-chardev", "socket,id=monitor,fd=\(InheritedDescriptor.monitor.rawValue),server=on,wait=off",
            "-mon", "chardev=monitor,mode=control",
        ]
    }

    /// Without `spawn=deny` where it would forbid the fork of a freeze; the memory library denies execve itself.
    private var confinement: [String] {
        let spawning = memoryMode == .layers ? "" : ",spawn=deny"
        return ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,resourcecontrol=deny\(spawning)"]
    }
}

/// The files of a machine's directory that only this module knows.
enum MachineFile {
    static let ram = "ram"
    static let ramSocket = "ram.sock"
    static let monitorSocket = "qmp.sock"
    static let guestSocket = "agent.sock"
    /// The latest MiB at most; what was before is in `console.log.1`.
    static let console = "console.log"
    /// `CONSOLE_FD` of the memory library.
    static let consoleDescriptor = 6
    static let log = "qemu.log"
    /// Holds what QEMU and the memory library make by themselves, where machines are confined: all else in the machine's
    /// directory is made by the daemon.
    static let ownDirectory = "run"

    /// What QEMU calls a file that it makes.
    static func name(_ file: String, isConfined: Bool) -> String { isConfined ? "\(ownDirectory)/\(file)" : file }

    /// Where a file is that a machine's QEMU makes, which is confined or not as it was started.
    static func path(_ file: String, in directory: FilePath) -> FilePath {
        let isConfined = HostFile.identity(of: directory.appending(ownDirectory)) != nil
        return directory.pushing(FilePath(name(file, isConfined: isConfined)))
    }

    /// What is of no use once the process has ended.
    static func ofProcess(in directory: FilePath) -> [FilePath] {
        [ram, monitorSocket, guestSocket].map { directory.appending($0) } + [path(ramSocket, in: directory)]
    }
}

/// What a QEMU is born with, beside its standard descriptors.
enum InheritedDescriptor: Int32, CaseIterable {
    case monitor = 3
    case guestPort = 4
    /// Where there is none, the leash of a process that waits.
    case memoryLibrary = 5
    /// After ``MachineFile/consoleDescriptor``, which the memory library replaces.
    case tap = 7
}
