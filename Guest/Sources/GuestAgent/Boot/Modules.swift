import CGuest
import Glibc

/// Kernel modules that the initramfs brings.
enum Modules {
    private static let directory = "/modules"

    /// Loads those that `/modules/order` names, one file to a line. A kernel that has one built in says so, and is
    /// not asked again.
    static func load() throws(SystemError) {
        guard let order = SmallFile.readText("\(directory)/order") else { return }
        for line in order.split(separator: "\n") where !line.hasPrefix("#") {
            let path = "\(directory)/\(line)"
            let fd = open(path, O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { throw SystemError("open \(path)") }
            defer { close(fd) }
            let status = cguest_load_module(fd)
            // A module for hardware that is not there says ENODEV.
            if status == -EEXIST || status == -ENODEV { continue }
            try SystemError.check("load \(path)", status)
        }
    }
}
