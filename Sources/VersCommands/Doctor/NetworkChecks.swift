import Foundation

/// Whether VMs can have private networks here. They are no must.
struct NetworkChecks {
    let environment: [String: String]

    private static let packages = [("ip", "iproute2"), ("nft", "nftables"), ("dnsmasq", "dnsmasq-base")]

    func run() -> [Check] {
        let name = "private networks"
        let path = "\(environment["PATH"] ?? ""):/usr/sbin:/sbin"
        let missing = Self.packages.filter { ExecutableSearch.find($0.0, path: path) == nil }
        guard missing.isEmpty else {
            return [
                .warn(
                    name,
                    "not available: \(missing.map(\.0).joined(separator: ", ")) not found",
                    hint: "apt-get install \(missing.map(\.1).joined(separator: " "))"
                )
            ]
        }
        guard access("/dev/net/tun", F_OK) == 0 else {
            return [.warn(name, "not available: there is no /dev/net/tun", hint: "modprobe tun")]
        }
        guard geteuid() == 0 else {
            return [
                .warn(
                    name,
                    "not available: this user is not root",
                    hint: "run the daemon as root for 'vers run --network bridge'; the default network needs nothing"
                )
            ]
        }
        guard HostFile.text("/proc/sys/net/ipv4/ip_forward")?.trimmed == "1" else {
            return [
                .warn(
                    name,
                    "not available: this host forwards no packets",
                    hint: "sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d for good"
                )
            ]
        }
        return [.ok(name, "ip, nft and dnsmasq are there, and the host forwards packets")]
    }
}
