import Foundation
public import VersAPI

extension MachineService {
    /// Deletes a VM in whatever state it is.
    /// - Returns: every VM that was deleted, the children first.
    /// - Throws: `.hasChildren`, naming them, unless `recursive`.
    public func delete(
        _ id: MachineID,
        recursive: Bool,
        skipWaitBoot: Bool,
        for principal: Principal
    ) async throws -> [MachineID] {
        let machine = try await record(id, for: principal)
        if skipWaitBoot, machine.state == .booting {
            throw VersError(.conflict, "vm \(id) is booting", hint: "leave skip_wait_boot out to delete it anyway")
        }
        var deleted: [MachineID] = []
        repeat {
            let children = try await domain.metadata.children(of: id)
            guard recursive || children.isEmpty else { throw Self.hasChildren(id, children) }
            for child in children {
                deleted += try await delete(child.id, recursive: true, skipWaitBoot: false, for: principal)
            }
            // A branch that ran meanwhile may have added one.
        } while try await !deleteLeaf(id)
        await LayerReclaimer(domain: domain).reclaim()
        return deleted + [id]
    }

    private static func hasChildren(_ id: MachineID, _ children: [Machine]) -> VersError {
        let names = children.map(\.id.text).joined(separator: ", ")
        return VersError(
            .hasChildren,
            "vm \(id) has \(children.count) \(children.count == 1 ? "child" : "children"): \(names)",
            hint: "delete it with everything downstream: vers kill -r \(id)"
        )
    }

    /// The record first: from then on the VM does not exist, and a later daemon ends what is left of it.
    /// - Returns: false when the VM has a child, and is left as it was.
    private func deleteLeaf(_ id: MachineID) async throws -> Bool {
        guard let machine = try await domain.metadata.delete(id, at: Date()) else { return false }
        domain.steps(.deleteRecorded)
        // The process goes before the lock is taken: whatever holds a VM that hangs must not keep it alive.
        if let live = await domain.registry.machine(id) { await live.terminate() }
        domain.steps(.deleteProcessEnded)
        try await domain.registry.exclusively(id) {
            if let live = await domain.registry.machine(id) { await live.terminate() }
            await domain.removeFiles(of: id)
        }
        await domain.registry.forget(id)
        if let sleep = machine.sleepCommitID {
            try await domain.metadata.update(sleep) { $0.deletedAt = Date() }
        }
        return true
    }
}
