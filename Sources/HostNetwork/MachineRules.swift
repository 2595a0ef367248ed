internal import VersCore

/// What a VM's own namespace does: the guest's address, which is the same in every guest, becomes the VM's.
struct MachineRules {
    /// As the monitor's user-mode network has it, so that the guest's neighbour table stays right.
    static let gateway = "10.0.2.2"
    static let resolver = "10.0.2.3"
    static let guest = "10.0.2.15"
    private static let gatewayMAC = "52:55:0a:00:02:02"
    private static let resolverMAC = "52:55:0a:00:02:03"

    private static let network = "10.0.2.0/24"

    let router: IPv4Address
    let prefixLength: Int

    /// The guest's end, for `ip -batch`.
    var links: [String] {
        [
            "link set lo up",
            "link set \(NetworkNames.tap) address \(Self.gatewayMAC) up",
            "address add \(Self.gateway)/24 dev \(NetworkNames.tap)",
            "address add \(Self.resolver)/32 dev \(NetworkNames.tap)",
        ]
    }

    /// The other end, for `ip -batch`.
    func links(address: IPv4Address) -> [String] {
        [
            "link set \(NetworkNames.port) up",
            "address add \(address)/\(prefixLength) dev \(NetworkNames.port)",
            "route add default via \(router)",
        ]
    }

    /// For `nft`. What a guest sends under another address ends at its card: who refuses it further on would answer to
    /// whoever has that address. A guest that was frozen in a user-mode network sends what is for the resolver to the
    /// resolver's MAC address.
    ///
    /// The VM's own address is what its namespace has got, so that the rules are there before it is known. That it leads
    /// to the guest also from the guest lets it reach itself under its name.
    var script: String {
        """
        table netdev \(NetworkNames.table) {
          chain ingress {
            type filter hook ingress device "\(NetworkNames.tap)" priority 0; policy accept;
            ether daddr \(Self.resolverMAC) meta pkttype set host
            ether type arp accept
            ether type != ip drop
            ip saddr != \(Self.guest) drop
          }
        }
        table ip \(NetworkNames.table) {
          chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            iifname "\(NetworkNames.tap)" ip daddr \(Self.resolver) dnat to \(router)
            ip daddr != \(Self.network) fib daddr type local dnat to \(Self.guest)
          }
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            oifname "\(NetworkNames.port)" masquerade
            oifname "\(NetworkNames.tap)" ip saddr \(Self.guest) snat to \(Self.gateway)
          }
          chain input {
            type filter hook input priority filter; policy drop;
            icmp type echo-request accept
            reject with icmp type admin-prohibited
          }
          chain forward {
            type filter hook forward priority filter; policy drop;
            ct state invalid drop
            ip daddr \(BlockedAddresses.linkLocal) reject with icmp type admin-prohibited
            iifname "\(NetworkNames.tap)" ip saddr \(Self.guest) accept
            iifname "\(NetworkNames.port)" oifname "\(NetworkNames.tap)" ip daddr \(Self.guest) accept
          }
        }

        """
    }
}

enum BlockedAddresses {
    /// Clouds answer there with the credentials of the host. IPv6, with `fd00:ec2::254`, there is none.
    static let linkLocal = "169.254.0.0/16"
}
