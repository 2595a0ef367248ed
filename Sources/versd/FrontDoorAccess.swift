public import FrontDoor
import VersAPI
import VersCore
public import VersServer

/// The domain as the front door sees it.
struct FrontDoorAccess: FrontDoorDomain {
    let machines: MachineService
    let domainNames: DomainNameService
    let keys: KeyService

    func machine(boundTo name: String) async throws -> MachineID? { try await domainNames.machine(boundTo: name) }

    func reach(of machine: MachineID) async throws -> MachineReach? { try await machines.reach(of: machine) }

    func authenticate(_ key: String) async throws -> Principal { try await keys.authenticate(key) }

    func dial(_ endpoint: GuestEndpoint, of machine: MachineID) async throws -> any GuestStream {
        try await machines.dial(endpoint, of: machine)
    }
}

extension FrontDoor: FrontDoorOperations {}
