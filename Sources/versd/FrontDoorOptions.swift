import ArgumentParser
import FrontDoor
import SystemPackage
import VersCore

/// The way into guests, as the daemon was told to open it.
struct FrontDoorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Address and port of the TLS front door, or off. Default: 127.0.0.1:8443, and another port when that is taken.",
            valueName: "address:port|off"
        )
    )
    var frontDoor: Place?

    @Option(
        help:
            "VMs are called <vm-id>.vm.<domain>. Names below vers.localhost lead to this machine without a DNS server."
    )
    var domain = FrontDoorConfiguration().domain

    @Option(
        help: ArgumentHelp(
            "A further port of the front door, which leads to the same port of a guest. May be repeated.",
            valueName: "port"
        )
    )
    var frontDoorPort: [UInt16] = []

    @Option(help: ArgumentHelp("Certificate to show where it fits, in PEM form. May be repeated.", valueName: "file"))
    var tlsCert: [String] = []

    @Option(help: ArgumentHelp("Its key, one for each certificate.", valueName: "file"))
    var tlsKey: [String] = []

    enum Place: ExpressibleByArgument, Equatable {
        case off
        case address(ListenAddress)

        init?(argument: String) {
            if argument == "off" {
                self = .off
            } else if let address = ListenAddress(argument: argument) {
                self = .address(address)
            } else {
                return nil
            }
        }
    }

    func validate() throws {
        guard HostName.canonical(domain) != nil else {
            throw ValidationError("invalid --domain '\(domain)': expected a DNS name such as 'vms.example.com'")
        }
        guard tlsCert.count == tlsKey.count else {
            throw ValidationError(
                "\(tlsCert.count) --tls-cert and \(tlsKey.count) --tls-key: expected a key for each certificate"
            )
        }
        guard !frontDoorPort.contains(0) else {
            throw ValidationError("invalid --front-door-port 0: expected 1 to 65535")
        }
    }

    var configuration: FrontDoorConfiguration {
        var configuration = FrontDoorConfiguration()
        switch frontDoor {
        case .off: configuration.isEnabled = false
        case .address(let address): (configuration.host, configuration.port) = (address.host, address.port)
        case nil: break
        }
        configuration.domain = HostName.canonical(domain) ?? domain
        // In the order given, each once.
        for port in frontDoorPort where !configuration.extraPorts.contains(port) {
            configuration.extraPorts.append(port)
        }
        configuration.certificates = zip(tlsCert, tlsKey).map { certificate, key in
            CertificateFiles(certificate: FilePath(certificate), key: FilePath(key))
        }
        return configuration
    }
}
