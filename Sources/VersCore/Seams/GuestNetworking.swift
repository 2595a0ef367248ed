public import VersAPI

/// Private networks of VMs on the host. One implementation drives the kernel's namespaces; a daemon that may not has
/// ``NoGuestNetworking``.
public protocol GuestNetworking: Sendable {
    /// The block that VMs' addresses are taken from, the same in every tree.
    var addresses: IPv4Network { get }

    /// - Throws: `.unsupported` with what to do, when no private network can be made here.
    func requireAvailable() async throws

    /// Makes what a VM needs whatever its place will be: its monitor can be started with it, and its guest reaches nobody
    /// until ``join(_:)``. On failure nothing of it is left; what an earlier one of the VM has left is replaced.
    /// - Returns: the host's end of the guest's network card.
    func prepare(_ id: MachineID) async throws -> GuestTap

    /// Gives a VM that was prepared its place. The network of its tree is made when it is the first. When the call
    /// returns the VM is reached by its address and its names. On failure, as when the VM was detached meanwhile, it is
    /// detached.
    func join(_ attachment: NetworkAttachment) async throws

    /// Puts other names or another policy into effect; they are when the call returns. Does nothing when the VM has no
    /// place.
    func update(_ attachment: NetworkAttachment) async throws

    /// Takes away a VM's place and what was prepared; with the last place the network of its tree goes. Does nothing when
    /// there is nothing. What cannot be removed now is found again by ``recover(_:)``.
    func detach(_ id: MachineID) async

    /// Makes the host agree with the VMs that run, when a daemon starts: their networks are taken over and brought up to
    /// date; everything else that an earlier daemon of this instance made is removed.
    func recover(_ running: [NetworkAttachment]) async
}

/// What a VM's place in a network is.
public struct NetworkAttachment: Sendable, Hashable {
    public var machineID: MachineID
    public var network: MachineNetwork
    /// Labels below ``MachineNetwork/domain``.
    public var names: [String]

    public init(machineID: MachineID, network: MachineNetwork, names: [String]) {
        self.machineID = machineID
        self.network = network
        self.names = names
    }
}

/// The descriptor of a TAP device that a monitor process is to inherit. Closed with the last reference.
public final class GuestTap: Sendable {
    public let descriptor: Int32
    private let close: @Sendable (Int32) -> Void

    /// - Parameter close: closes the descriptor.
    public init(descriptor: Int32, close: @escaping @Sendable (Int32) -> Void) {
        self.descriptor = descriptor
        self.close = close
    }

    deinit { close(descriptor) }
}

/// A host without private networks.
public struct NoGuestNetworking: GuestNetworking {
    public let addresses = IPv4Network(address: IPv4Address(number: 0), prefixLength: 32)

    public init() {}

    public func requireAvailable() async throws {
        throw VersError(
            .unsupported,
            "no private networks here: the daemon was started without them",
            hint: "leave the network out: the user-mode network needs nothing"
        )
    }

    public func prepare(_ id: MachineID) async throws -> GuestTap {
        try await requireAvailable()
        throw VersError(.internal, "no private networks here")
    }

    public func join(_ attachment: NetworkAttachment) async throws { try await requireAvailable() }

    public func update(_ attachment: NetworkAttachment) async throws {}

    public func detach(_ id: MachineID) async {}

    public func recover(_ running: [NetworkAttachment]) async {}
}
