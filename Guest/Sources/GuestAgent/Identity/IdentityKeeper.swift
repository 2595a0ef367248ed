import CGuest
import Glibc
import GuestProtocol

/// Makes the guest a machine of its own.
final class IdentityKeeper {
    private let machine: Machine
    private(set) var isTaken = false
    private(set) var environment: [EnvironmentVariable] = []
    /// The private host key of this machine, whatever the image does with it.
    private(set) var sshHostKey = ""
    private var hostname = GeneratedHostname()
    /// The parent's connections, until they are ended.
    private var inherited: OpaquePointer?

    init(machine: Machine) {
        self.machine = machine
    }

    /// What the host waits for. Random numbers first; the clock last, because others wake up when it is set. Connections are
    /// listed, so that those stay which somebody makes to the new machine as soon as he knows of it.
    func apply(_ request: IdentityRequest) throws(Failure) {
        guard machine.isGuest else { throw Failure(.unsupported, "the agent does not run in a VM") }
        do throws(SystemError) {
            let added = request.entropy.withUnsafeBufferPointer {
                cguest_add_entropy(machine.randomDescriptor, $0.baseAddress, $0.count)
            }
            try SystemError.check("seed the random number generator", added)
            try SmallFile.makeDirectories("/run/vers")
            try SmallFile.replace("/run/vers/vm-id", with: "\(request.machineID)\n", mode: 0o644)
            try AuthorizedKeys.install(request.authorizedKey)
            try EnvironmentFile.install(request.environment)
            if request.dropsConnections { listConnections() }
            environment = request.environment
            if !request.sshHostKey.isEmpty { sshHostKey = request.sshHostKey }
            try Clock.setWall(nanoseconds: request.wallClock)
            isTaken = true
        } catch {
            throw Failure(error.number == ENOSPC ? .resourceExhausted : .internal, error.description)
        }
    }

    /// What is done before anything else that the host asks for, but after it was told that the identity is taken:
    /// init and its journal wake up at a new host name, and sshd starts over with a new key. In a VM just restored
    /// under emulation that is most of what a change of identity takes (60 of 100 ms).
    func settle(_ request: IdentityRequest) {
        attempt("drop connections") { () throws(SystemError) in
            guard let connections = inherited.take() else { return }
            defer { cguest_forget_connections(connections) }
            try SystemError.check("drop connections", cguest_destroy_connections(connections))
        }
        attempt("show the SSH host key") { () throws(SystemError) in try SSHHostKey.install(request.sshHostKey) }
        attempt("take the host name") { () throws(SystemError) in try hostname.apply(request.hostname) }
    }

    private func listConnections() {
        cguest_forget_connections(inherited.take())
        attempt("list connections") { () throws(SystemError) in
            try SystemError.check("list connections", cguest_list_outside_connections(&inherited))
        }
    }

    private func attempt(_ what: String, _ body: () throws(SystemError) -> Void) {
        do {
            try body()
        } catch {
            Console.log("cannot \(what): \(error)")
        }
    }
}
