import Logging
import VersAPI

/// Keeps chains of disk layers short: reads slow down with every layer under a disk.
struct DiskFlattener: Sendable {
    let domain: Domain

    /// Flattens a VM's chain when it is deep. Gives way to whoever else wants the VM.
    func flattenIfNeeded(_ id: MachineID) async {
        let work = Task {
            do {
                try await domain.registry.lock(id).withLock {
                    guard let machine = try await domain.metadata.machine(id), machine.deletedAt == nil,
                        machine.state == .running,
                        machine.diskLayers.count >= domain.configuration.flattenAtDiskLayers
                    else { return }
                    try await flatten(machine)
                }
            } catch is CancellationError {
                domain.logger.debug("flattening gave way", metadata: ["vm.id": "\(id)"])
            } catch {
                domain.logger.warning(
                    "disk could not be flattened",
                    metadata: ["vm.id": "\(id)", "error": "\(error)"]
                )
            }
        }
        await domain.registry.setInterruptible(work, of: id)
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        await domain.registry.setInterruptible(nil, of: id)
    }

    /// Copies every layer above the image into the active disk of a running VM that the caller holds.
    func flatten(_ machine: Machine) async throws {
        guard let live = await domain.registry.machine(machine.id) else { return }
        let image = try await domain.images.image(
            named: machine.hardware.imageName,
            build: machine.hardware.imageBuild
        )
        try await live.machine.flattenDisk(downTo: image.disk)
        try await domain.metadata.update(machine.id) { $0.diskLayers = [] }
        domain.logger.info(
            "disk flattened",
            metadata: ["vm.id": "\(machine.id)", "disk.layers": "\(machine.diskLayers.count)"]
        )
        await LayerReclaimer(domain: domain).reclaim()
    }
}
