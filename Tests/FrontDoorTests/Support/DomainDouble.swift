import FrontDoor
import Synchronization
import VersAPI
import VersCore

/// One VM of one organisation, whose guest has the services of the test.
final class DomainDouble: FrontDoorDomain {
    typealias Service = @Sendable (GuestDouble) async throws -> Void

    static let key = "good key"
    let machine = MachineID()
    let organisation = OrganisationID()

    struct State {
        var services: [UInt16: Service] = [:]
        var names: [String: MachineID] = [:]
        var isPrivate = false
        var guests: [GuestDouble] = []
        var tasks: [Task<Void, Never>] = []
        var error: VersError?
    }

    private let state = Mutex(State())

    func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    func serve(_ port: UInt16, _ service: @escaping Service) { change { $0.services[port] = service } }

    /// Connections that were dialled, in order.
    var guests: [GuestDouble] { state.withLock { $0.guests } }

    func machine(boundTo name: String) async throws -> MachineID? { state.withLock { $0.names[name] } }

    func reach(of machine: MachineID) async throws -> MachineReach? {
        guard machine == self.machine else { return nil }
        return state.withLock { MachineReach(organisationID: organisation, isPrivate: $0.isPrivate) }
    }

    func authenticate(_ key: String) async throws -> Principal {
        switch key {
        case Self.key: return Principal(keyID: KeyID(), organisationID: organisation)
        case "foreign key": return Principal(keyID: KeyID(), organisationID: OrganisationID())
        default: throw VersError(.unauthenticated, "the API key is not valid")
        }
    }

    func dial(_ endpoint: GuestEndpoint, of machine: MachineID) async throws -> any GuestStream {
        let (service, error) = state.withLock { ($0.services[endpoint.port], $0.error) }
        if let error { throw error }
        guard let service else {
            throw VersError(.unavailable, "nothing listens on \(endpoint)", hint: "start a service there")
        }
        let guest = GuestDouble(endpoint)
        let task = Task<Void, Never> {
            // A service that fails is a connection that breaks.
            _ = try? await service(guest)
        }
        state.withLock {
            $0.guests.append(guest)
            $0.tasks.append(task)
        }
        return guest
    }

    /// Ends what the services still do.
    func stop() async {
        let tasks = state.withLock { $0.tasks }
        for task in tasks {
            task.cancel()
            await task.value
        }
    }

    // MARK: Services

    /// Sends back what comes, and ends when the client does.
    static let echo: Service = { guest in
        while let bytes = try await guest.toGuest.read() { try await guest.fromGuest.write(bytes) }
        guest.fromGuest.end()
    }

    /// Speaks first, then echoes.
    static func banner(_ text: String) -> Service {
        { guest in
            try await guest.fromGuest.write(Array(text.utf8))
            try await echo(guest)
        }
    }
}
