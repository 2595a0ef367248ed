public import ArgumentParser
public import VersAPI
import VersClient

/// How a new root VM is connected. What is absent comes from vers.toml.
struct NetworkOptions: ParsableArguments {
    @Option(
        name: .customLong("network"),
        help: ArgumentHelp(
            "user: a network of its own, without privileges (default). bridge: an address in the private network of its tree.",
            valueName: "user|bridge"
        )
    )
    var mode: NetworkMode?
    @OptionGroup var egress: EgressOptions

    /// - Throws: `.invalidArgument` for options that do not go together.
    func check() throws {
        guard mode == .user, egress.isGiven else { return }
        throw VersError(.invalidArgument, "--egress and --allow need --network bridge")
    }

    func configuration(over file: ProjectFile?) -> NetworkConfiguration? {
        var result: NetworkConfiguration?
        if let mode {
            result = NetworkConfiguration(mode: mode)
            if file?.network?.mode == mode { result = file?.network }
        } else {
            result = file?.network
        }
        guard egress.isGiven else { return result }
        return NetworkConfiguration(
            mode: result?.mode ?? .bridge,
            egress: egress.egress,
            allow: egress.allow.isEmpty ? nil : egress.allow
        )
    }
}

/// What a VM in a private network may reach outside it. Shared by `run` and `network`.
struct EgressOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What may be reached outside the private network.", valueName: "open|none|list"))
    var egress: EgressMode?
    @Option(
        help: ArgumentHelp(
            "With a list: what may be reached. host, host:port or host:port/udp, where the host is a name, an IPv4 address or a network; may be given several times.",
            valueName: "host:port"
        )
    )
    var allow: [String] = []

    var isGiven: Bool { egress != nil || !allow.isEmpty }
}

/// What a VM is found under in its private network: its alias, if that can be a DNS label.
enum NetworkName {
    static let label = "alias"

    static func isValid(_ alias: String) -> Bool {
        (try? /[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?/.wholeMatch(in: alias)) != nil
    }

    /// Tells the server of a VM's alias, where that makes a name.
    static func publish(_ alias: String, of id: MachineID, _ session: Session) async throws {
        guard isValid(alias), try await session.client.metadata(of: id).network?.mode == .bridge else { return }
        try await session.client.upsertLabels([label: alias], of: id)
    }
}

/// Networks in words.
enum NetworkText {
    static func mode(_ network: MachineNetworkInfo?) -> String {
        switch network?.mode {
        case .bridge: "bridge (private network of its tree)"
        case .user, nil: "user (a network of its own)"
        }
    }

    static func egress(_ network: MachineNetworkInfo?) -> String? {
        guard let egress = network?.egress else { return nil }
        guard egress == .list else { return egress.rawValue }
        let entries = network?.allow ?? []
        return "list: \(entries.isEmpty ? "nothing" : entries.joined(separator: ", "))"
    }
}

extension NetworkMode: ExpressibleByArgument {}

extension EgressMode: ExpressibleByArgument {}
