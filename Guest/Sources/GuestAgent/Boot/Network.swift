import CGuest
import Glibc

/// The monitor's user-mode network, which gives every machine the same address.
enum Network {
    private static let address: UInt32 = 0x0A00_020F
    private static let netmask: UInt32 = 0xFFFF_FF00
    private static let gateway: UInt32 = 0x0A00_0202
    private static let resolverLine = "nameserver 10.0.2.3\n"
    private static let resolverPath = "/etc/resolv.conf"
    /// Programs that keep the file behind a link up to date once they run.
    private static let resolverManagers = ["/systemd/resolve/", "/resolvconf/", "/NetworkManager/", "/connman/"]

    /// True when there is nothing left to do. Read and written by the agent's only thread.
    nonisolated(unsafe) private(set) static var isConfigured = true

    static func bringUpLoopback() {
        let status = cguest_interface_up("lo", 0, 0)
        if status < 0 { Console.log("cannot bring up lo: \(SystemError("ioctl", -status).reason)") }
    }

    static func configure() {
        let names = DirectoryListing.names(in: "/sys/class/net")
        guard let name = names.first(where: { $0 != "lo" && SmallFile.exists("/sys/class/net/\($0)/device") }) else {
            isConfigured = false
            return
        }
        isConfigured = true
        do throws(SystemError) {
            try SystemError.check("bring up \(name)", cguest_interface_up(name, address, netmask))
            try SystemError.check("set the default route", cguest_default_route(gateway))
            try writeResolver()
        } catch {
            Console.log(error.description)
        }
    }

    private static func writeResolver() throws(SystemError) {
        var status = stat()
        if lstat(resolverPath, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            let target = SmallFile.link(resolverPath) ?? ""
            if SmallFile.exists(resolverPath) || resolverManagers.contains(where: { target.contains($0) }) { return }
        } else if let text = SmallFile.readText(resolverPath), text.contains("nameserver") {
            return
        }
        try SmallFile.replace(resolverPath, with: resolverLine, mode: 0o644)
    }
}
