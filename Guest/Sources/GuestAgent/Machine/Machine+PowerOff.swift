import CGuest
import Glibc

extension Machine {
    /// Between SIGTERM and SIGKILL when the agent is the machine's init.
    private static let grace: UInt64 = 1000

    /// Asks init to power off, in the way that this init understands.
    func powerOff(loop: EventLoop) {
        if initPath.isEmpty {
            kill(-1, SIGTERM)
            _ = loop.schedule(afterMilliseconds: Self.grace) { Self.end() }
            return
        }
        let program = SmallFile.link("/proc/1/exe") ?? initPath
        if program.contains("systemd") {
            // systemd(1): SIGRTMIN+4 starts poweroff.target.
            kill(1, cguest_real_time_minimum() + 4)
        } else {
            // BusyBox's init powers off on SIGUSR2, and so do most small ones.
            kill(1, SIGUSR2)
        }
    }

    /// Ends every process and switches the machine off. Returns only when the kernel refuses.
    static func end() {
        kill(-1, SIGKILL)
        sync()
        mount(nil, "/", nil, UInt(MS_REMOUNT | MS_RDONLY), nil)
        sync()
        _ = cguest_power_off()
    }
}
