import CGuest
import Glibc
import GuestProtocol

/// From the kernel's first process to the image's init.
public enum Boot {
    static let newRoot = "/newroot"
    private static let initCandidates = ["/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "/etc/init", "/init"]
    private static let notifyAddress = "vers-agent"

    /// Never returns: becomes the image's init, or the agent, or ends the machine with a message.
    public static func run() -> Never {
        do throws(SystemError) {
            try mountKernelFilesystems()
            openConsole()
            let uevents = try SystemError.check("listen to device events", cguest_open_uevents())
            let commandLine = KernelCommandLine(SmallFile.readText("/proc/cmdline") ?? "")
            try Modules.load()
            let workload = readWorkload()
            try RootDisk.mount(commandLine, at: newRoot, events: uevents)
            let programs = BroughtPrograms.open()
            try SwitchRoot.run(to: newRoot, keeping: BroughtPrograms.directory)
            let initPath = try chooseInit(commandLine, workload)
            mountUserFilesystems(hasInit: initPath != nil)
            if initPath == nil { ContainerSystem.prepare() }
            prepareMachine(commandLine)
            try start(initPath, workload, uevents: uevents, programs: programs)
        } catch {
            Console.fail(error.description)
        }
    }

    private static func mountKernelFilesystems() throws(SystemError) {
        try mountNew("proc", at: "/proc", type: "proc")
        try mountNew("sys", at: "/sys", type: "sysfs")
        try mountNew("dev", at: "/dev", type: "devtmpfs", options: "mode=0755")
    }

    /// The initramfs is gone once the root is another.
    private static func readWorkload() -> Workload? {
        guard let bytes = SmallFile.read(Workload.path) else { return nil }
        do throws(ProtocolError) {
            return try Workload(decoding: bytes)
        } catch {
            Console.log("the image's command cannot be read: \(error)")
            return nil
        }
    }

    static func mountNew(
        _ source: String,
        at path: String,
        type: String,
        flags: Int = Int(MS_NOSUID),
        options: String = ""
    ) throws(SystemError) {
        mkdir(path, 0o755)
        guard Glibc.mount(source, path, type, UInt(flags), options) == 0 || errno == EBUSY else {
            throw SystemError("mount \(path)")
        }
    }

    /// The kernel opens no console for an initramfs without device files.
    private static func openConsole() {
        let console = open("/dev/console", O_RDWR | O_NOCTTY)
        let target = console >= 0 ? console : open("/dev/null", O_RDWR)
        for fd: Int32 in 0...2 where fd != target { dup2(target, fd) }
        if target > 2 { close(target) }
    }

    /// What every init expects, or mounts itself when it is missing.
    private static func mountUserFilesystems(hasInit: Bool) {
        let flags = Int(MS_NOSUID | MS_NODEV)
        for (path, type, options) in [
            ("/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666"), ("/dev/shm", "tmpfs", "mode=1777"),
            ("/run", "tmpfs", "mode=0755"),
        ] where hasInit || path != "/run" {
            do throws(SystemError) {
                let isTerminals = type == "devpts"
                try mountNew(type, at: path, type: type, flags: isTerminals ? Int(MS_NOSUID) : flags, options: options)
            } catch {
                Console.log(error.description)
            }
        }
    }

    private static func prepareMachine(_ commandLine: KernelCommandLine) {
        if commandLine.configuresNetwork { Network.configure() }
        Network.bringUpLoopback()
        guard RootFilesystem.isExt4("/") else { return }
        do throws(SystemError) {
            try RootFilesystem.grow("/")
        } catch {
            Console.log("cannot grow the root filesystem: \(error)")
        }
    }

    /// The image's init; nil when the agent is to be it.
    private static func chooseInit(
        _ commandLine: KernelCommandLine,
        _ workload: Workload?
    ) throws(SystemError) -> String? {
        let named = commandLine.initPath.isEmpty ? workload?.initPath : commandLine.initPath
        // A workload without an init has been looked at: what looks like one in the image is not meant.
        let candidates = named.map { $0.isEmpty ? [] : [$0] } ?? initCandidates
        if let found = candidates.first(where: { access($0, X_OK) == 0 }) { return found }
        guard commandLine.initPath.isEmpty || commandLine.initPath == "none" else {
            throw SystemError("run \(commandLine.initPath)", ENOENT)
        }
        return nil
    }

    private static func start(
        _ initPath: String?,
        _ workload: Workload?,
        uevents: Int32,
        programs: Int32
    ) throws(SystemError) -> Never {
        guard let initPath else {
            if workload == nil { Console.log("the image has no init: commands are run by the agent alone") }
            AgentSupervisor.run { () throws(SystemError) in
                try Agent.serveGuest(
                    Machine(isGuest: true, workload: workload, ueventDescriptor: uevents, programsDescriptor: programs)
                )
            }
        }
        let isSystemd = FilePaths.resolvingLinks(initPath).contains("systemd")
        let notify = isSystemd ? cguest_bind_abstract(notifyAddress) : -1
        let settled = SettledMark()
        let supervisor = try SystemError.check("fork", cguest_fork())
        if supervisor == 0 {
            _ = setsid()
            leaveConsole()
            AgentSupervisor.run { () throws(SystemError) in
                try Agent.serveGuest(
                    Machine(
                        isGuest: true,
                        initPath: initPath,
                        workload: workload,
                        notifyDescriptor: notify,
                        settledMark: settled,
                        ueventDescriptor: uevents,
                        programsDescriptor: programs
                    )
                )
            }
        }
        for variable in workload?.environment ?? [] { setenv(variable.name, variable.value, 1) }
        if isSystemd { setenv("NOTIFY_SOCKET", "@\(notifyAddress)", 1) }
        let isCommand = workload?.arguments.first == initPath
        let words = isCommand ? workload?.arguments ?? [] : [initPath]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execv(initPath, &arguments)
        throw SystemError("run \(initPath)")
    }

    /// The console belongs to the image.
    private static func leaveConsole() {
        let null = open("/dev/null", O_RDWR)
        guard null >= 0 else { return }
        for fd: Int32 in 0...2 { dup2(null, fd) }
        if null > 2 { close(null) }
    }
}
