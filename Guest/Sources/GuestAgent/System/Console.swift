import CGuest
import Glibc

/// What a person at the console should know.
enum Console {
    static func log(_ message: String) {
        cguest_log("<4>vers-agent: \(message)\n")
    }

    /// Says why the machine cannot start. Ending the first process makes the kernel panic with it, which the host
    /// sees and reports.
    static func fail(_ message: String) -> Never {
        cguest_log("<0>vers-agent: cannot start this machine: \(message)\n")
        sync()
        exit(1)
    }
}
