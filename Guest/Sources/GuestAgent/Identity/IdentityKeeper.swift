import CGuest
import Glibc
import GuestProtocol

/// Makes the guest a machine of its own.
final class IdentityKeeper {
    private let machine: Machine
    private(set) var environment: [EnvironmentVariable] = []
    private var hostname = GeneratedHostname()

    init(machine: Machine) {
        self.machine = machine
    }

    /// In the order of what others could see first: random numbers, then time, then names and keys.
    func apply(_ request: IdentityRequest) throws(Failure) {
        guard machine.isGuest else { throw Failure(.unsupported, "the agent does not run in a VM") }
        do throws(SystemError) {
            let added = request.entropy.withUnsafeBufferPointer {
                cguest_add_entropy(machine.randomDescriptor, $0.baseAddress, $0.count)
            }
            try SystemError.check("seed the random number generator", added)
            try Clock.setWall(nanoseconds: request.wallClock)
            try SmallFile.makeDirectories("/run/vers")
            try hostname.apply(request.hostname)
            try SmallFile.replace("/run/vers/vm-id", with: "\(request.machineID)\n", mode: 0o644)
            try AuthorizedKeys.install(request.authorizedKey)
            try SSHHostKey.install(request.sshHostKey)
            try EnvironmentFile.install(request.environment)
            environment = request.environment
            guard request.dropsConnections else { return }
            try SystemError.check("drop connections", cguest_destroy_outside_connections())
        } catch {
            throw Failure(error.number == ENOSPC ? .resourceExhausted : .internal, error.description)
        }
    }
}
