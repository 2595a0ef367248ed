internal import VersCore

/// What the host's own namespace does for private networks: it lets them out, and nobody in, least of all to itself.
struct HostRules {
    let names: NetworkNames
    /// Where the networks' routers are.
    let uplinks: IPv4Network
    /// Name servers that the routers may ask even on the host itself.
    let resolvers: [IPv4Address]

    var gateway: IPv4Address { uplinks.address(at: 1) }

    var links: [String] {
        [
            "link add \(names.hostBridge) address \(NetworkNames.bridgeAddress) type bridge",
            "address add \(gateway)/\(uplinks.prefixLength) dev \(names.hostBridge)",
            "link set \(names.hostBridge) up",
        ]
    }

    /// Replaces what an earlier daemon has loaded, in one step.
    var script: String {
        let bridge = "\"\(names.hostBridge)\""
        let asking = resolvers.map {
            "    iifname \(bridge) ip daddr \($0) meta l4proto { tcp, udp } th dport 53 accept\n"
        }
        return """
            add table inet \(names.hostTable)
            delete table inet \(names.hostTable)
            table inet \(names.hostTable) {
              chain input {
                type filter hook input priority filter; policy accept;
                iifname \(bridge) ct state established,related accept
            \(asking.joined())    iifname \(bridge) reject with icmpx type admin-prohibited
              }
              chain forward {
                type filter hook forward priority filter; policy accept;
                iifname \(bridge) ip daddr \(BlockedAddresses.linkLocal) reject with icmpx type admin-prohibited
                iifname \(bridge) oifname \(bridge) drop
                oifname \(bridge) ct state established,related accept
                oifname \(bridge) drop
              }
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr \(uplinks) oifname != \(bridge) masquerade
              }
            }

            """
    }

    var removal: String { "add table inet \(names.hostTable)\ndelete table inet \(names.hostTable)\n" }
}
