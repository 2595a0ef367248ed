import Logging
public import ServiceLifecycle
import VersAPI

/// Lets VMs rest that a connection has woken and that none has used for their idle time. One timer serves all.
public struct IdleRest: Service {
    private let domain: Domain
    private let machines: MachineService

    public init(domain: Domain, machines: MachineService) {
        self.domain = domain
        self.machines = machines
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await watchRecorded()
            while let due = await domain.traffic.nextToRest() {
                for id in due {
                    await rest(id)
                    domain.traffic.endRest(id)
                }
            }
        }
    }

    /// Those that ran when the last daemon ended.
    private func watchRecorded() async {
        do {
            for machine in try await domain.metadata.liveMachines() where machine.traffic.returnsTo != nil {
                domain.traffic.watch(machine.id, for: domain.idleTime(of: machine))
            }
        } catch {
            domain.logger.error("vms that traffic has woken are not known", metadata: ["error": "\(error)"])
        }
    }

    private func rest(_ id: MachineID) async {
        do {
            try await machines.rest(id)
        } catch let error as VersError where error.code == .notFound {
            // Deleted meanwhile.
        } catch {
            domain.logger.warning("vm does not rest", metadata: ["vm.id": "\(id)", "error": "\(error)"])
            domain.traffic.watch(id, for: domain.configuration.idleTime)
        }
    }
}
