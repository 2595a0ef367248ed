internal import HostSystem
internal import VersCore

/// What a tree's namespace lets through: the present policies of its VMs, complete. Loading it again changes what is
/// different and keeps what names were found to mean.
struct TreeRules {
    /// Where the name server listens that knows only what its askers may reach.
    static let limitedResolverPort: UInt16 = 5300
    /// How long an address that a name was found to have may be connected to; each new connection starts the time anew.
    private static let nameLifetime = "1h"
    private static let table = "ip \(NetworkNames.table)"

    let router: IPv4Address
    let attachments: [NetworkAttachment]

    static func setName(of name: String) -> String { "n_" + String(StableHash.of(name), radix: 16) }

    /// Every name on an allow list, sorted.
    var allowedNames: [String] {
        var names: Set<String> = []
        for target in targets.keys { if case .name(let name) = target.host { names.insert(name) } }
        return names.sorted()
    }

    var script: String {
        (declarations + flushes + inward + forwarding + egress + elements).joined(separator: "\n") + "\n"
    }

    private static let bases = [
        ("prerouting", "{ type nat hook prerouting priority dstnat; policy accept; }"),
        ("postrouting", "{ type nat hook postrouting priority srcnat; policy accept; }"),
        ("input", "{ type filter hook input priority filter; policy drop; }"),
        ("forward", "{ type filter hook forward priority filter; policy drop; }"),
        ("ingress", ""),
        ("egress", ""),
        ("admit", ""),
    ]

    private var declarations: [String] {
        [
            "add table \(Self.table)",
            "add set \(Self.table) open { type ipv4_addr; }",
            "add set \(Self.table) limited { type ipv4_addr; }",
            "add set \(Self.table) current { type ipv4_addr . mark; }",
            "add map \(Self.table) marks { type ipv4_addr : mark; }",
        ]
            + allowedNames.map {
                "add set \(Self.table) \(Self.setName(of: $0)) "
                    + "{ type ipv4_addr; flags timeout, dynamic; timeout \(Self.nameLifetime); }"
            } + Self.bases.map { "add chain \(Self.table) \($0.0) \($0.1)" }
    }

    private var flushes: [String] {
        Self.bases.map { "flush chain \(Self.table) \($0.0)" }
            + ["open", "limited", "current"].map { "flush set \(Self.table) \($0)" }
            + ["flush map \(Self.table) marks"]
    }

    /// To the router itself: its name servers and `ping`.
    private var inward: [String] {
        let isFromMachine = "iifname \"\(NetworkNames.bridge)\""
        let ports = "{ 53, \(Self.limitedResolverPort) }"
        return [
            "prerouting \(isFromMachine) ip saddr @limited ip daddr \(router) udp dport 53 "
                + "redirect to :\(Self.limitedResolverPort)",
            "prerouting \(isFromMachine) ip saddr @limited ip daddr \(router) tcp dport 53 "
                + "redirect to :\(Self.limitedResolverPort)",
            "input iifname \"lo\" accept",
            "input ct state established,related accept",
            "input \(isFromMachine) udp dport \(ports) accept",
            "input \(isFromMachine) tcp dport \(ports) accept",
            "input \(isFromMachine) icmp type echo-request accept",
            "input \(isFromMachine) reject with icmp type admin-prohibited",
        ].map { "add rule \(Self.table) \($0)" }
    }

    /// Between VMs everything goes. (That is bridged, and passes here only where the host has bridges filtered.)
    private var forwarding: [String] {
        [
            "postrouting oifname \"\(NetworkNames.uplink)\" masquerade",
            "forward iifname \"\(NetworkNames.bridge)\" oifname \"\(NetworkNames.bridge)\" accept",
            "forward iifname \"\(NetworkNames.uplink)\" ct state established,related jump ingress",
            "forward iifname \"\(NetworkNames.bridge)\" oifname \"\(NetworkNames.uplink)\" jump egress",
        ].map { "add rule \(Self.table) \($0)" }
    }

    /// A connection is marked with the revision of the policy that let it out, and goes on, in both directions, as long as
    /// that is current.
    private var egress: [String] {
        let rejection = "reject with icmp type admin-prohibited"
        let rules =
            [
                "ingress ip daddr @open accept",
                "ingress ip daddr . ct mark @current accept",
                "egress ip daddr \(BlockedAddresses.linkLocal) \(rejection)",
                "egress ip saddr @open accept",
                "egress ct state established,related ip saddr . ct mark @current accept",
            ] + targets.sorted { "\($0.key)" < "\($1.key)" }.map { "egress \(rule($0.key, for: $0.value)) goto admit" }
            + [
                "egress ct state established meta l4proto tcp reject with tcp reset",
                "egress \(rejection)",
                "admit ct mark set ip saddr map @marks",
                "admit accept",
            ]
        return rules.map { "add rule \(Self.table) \($0)" }
    }

    private func rule(_ target: EgressTarget, for machines: [IPv4Address]) -> String {
        let sources = machines.sorted().map(\.description).joined(separator: ", ")
        var parts = ["ip saddr { \(sources) }"]
        switch target.host {
        case .network(let network): parts.append("ip daddr \(network)")
        case .name(let name): parts.append("ip daddr @\(Self.setName(of: name))")
        }
        if let port = target.port, let transport = target.transport {
            parts.append("\(transport.rawValue) dport \(port)")
        }
        if case .name(let name) = target.host {
            parts.append("update @\(Self.setName(of: name)) { ip daddr timeout \(Self.nameLifetime) }")
        }
        return parts.joined(separator: " ")
    }

    private var elements: [String] {
        var (open, limited, current, marks): ([String], [String], [String], [String]) = ([], [], [], [])
        for attachment in attachments {
            let (address, revision) = (attachment.network.address, attachment.network.revision)
            if attachment.network.egress == .open {
                open.append("\(address)")
            } else {
                limited.append("\(address)")
                current.append("\(address) . \(revision)")
                marks.append("\(address) : \(revision)")
            }
        }
        return [("open", open), ("limited", limited), ("current", current), ("marks", marks)].compactMap { set in
            set.1.isEmpty ? nil : "add element \(Self.table) \(set.0) { \(set.1.joined(separator: ", ")) }"
        }
    }

    /// Everything that is on a list, with the VMs on whose it is.
    private var targets: [EgressTarget: [IPv4Address]] {
        var result: [EgressTarget: [IPv4Address]] = [:]
        for attachment in attachments {
            guard case .list(let targets) = attachment.network.egress else { continue }
            for target in Set(targets) { result[target, default: []].append(attachment.network.address) }
        }
        return result
    }
}
