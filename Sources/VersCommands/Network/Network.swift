import ArgumentParser
import VersAPI
import VersClient

/// `vers network`: shows how a VM is connected, and changes what it may reach.
struct Network: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a VM's network, or change what it may reach.",
        discussion: """
            A change is in effect when the command returns: what the VM has connected to and may not reach any more is \
            cut off. VMs of one tree always reach each other. A name on the list stands for everything below it, too.

            EXAMPLES
              vers network web
              vers network web --egress none
              vers network web --allow deb.debian.org:80 --allow 192.0.2.0/24:443
              vers network web --egress open
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @OptionGroup var egress: EgressOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var network: MachineNetworkInfo?
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            if egress.isGiven {
                let request = EgressRequest(egress: egress.egress, allow: egress.allow.isEmpty ? nil : egress.allow)
                try await session.client.setEgress(request, of: id)
            }
            let result = Result(vm_id: id, network: try await session.client.metadata(of: id).network)
            try Rendering(json: result) { Self.text(of: result.network) }.write(to: context, format: format.format)
        }
    }

    static func text(of network: MachineNetworkInfo?) -> String {
        var lines = ["Network: \(NetworkText.mode(network))"]
        if let address = network?.address { lines.append("Address: \(address)") }
        if let names = network?.names { lines.append("Names:   \(names.joined(separator: ", "))") }
        if let egress = NetworkText.egress(network) { lines.append("Egress:  \(egress)") }
        return lines.joined(separator: "\n")
    }
}
