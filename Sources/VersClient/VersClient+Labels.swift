public import VersAPI

extension VersClient {
    /// Gives a VM these labels in place of those it has.
    public func replaceLabels(_ labels: [String: String], of id: MachineID) async throws {
        try await transport.perform(try RequestPlan(.put, "/vm/\(id)/labels", json: LabelsRequest(labels: labels)))
    }

    /// - Throws: `.notFound` when the VM has no such label.
    public func removeLabel(_ name: String, of id: MachineID) async throws {
        try await transport.perform(RequestPlan(.delete, "/vm/\(id)/label/\(RequestPlan.segment(name))"))
    }
}
