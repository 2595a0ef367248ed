public import VersAPI

extension MachineService {
    /// Gives a VM these labels in place of those it has.
    public func replaceLabels(_ labels: [String: String], of id: MachineID, for principal: Principal) async throws {
        try Validation.labels(labels)
        try requireNetworkName(in: labels, of: try await Access(domain: domain).machine(id, ownedBy: principal))
        let changed = try await domain.metadata.update(id) { $0.labels = labels.isEmpty ? nil : labels }
        try await updateNames(of: changed)
    }

    /// - Throws: `.notFound` when the VM has no such label.
    public func removeLabel(_ name: String, of id: MachineID, for principal: Principal) async throws {
        let machine = try await Access(domain: domain).machine(id, ownedBy: principal)
        guard machine.labels?[name] != nil else {
            throw VersError(
                .notFound,
                "label not found: '\(name.prefix(80))' of vm \(id)",
                hint: "list its labels with: vers label list \(id)"
            )
        }
        let changed = try await domain.metadata.update(id) {
            $0.labels?[name] = nil
            if $0.labels?.isEmpty == true { $0.labels = nil }
        }
        try await updateNames(of: changed)
    }
}
