import Logging

/// What all connections share.
struct Door: Sendable {
    let configuration: FrontDoorConfiguration
    let domain: any FrontDoorDomain
    let certificates: CertificateSource
    let signer: LinkSigner
    let counters: DoorCounters
    let logger: Logger
}
