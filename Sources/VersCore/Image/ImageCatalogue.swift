import VersAPI

/// Finds an image by its name, or an organisation's own by its id: those come before what is installed for everybody.
struct ImageCatalogue: Sendable {
    let domain: Domain

    /// - Throws: `.notFound`; `.conflict` when it is not made yet.
    func image(named name: String, for principal: Principal) async throws -> BaseImage {
        guard let record = try await record(name, for: principal) else {
            return try await domain.images.image(named: name)
        }
        switch record.state {
        case .ready: return try await domain.images.image(named: record.name, build: record.id.text)
        case .failed:
            throw VersError(
                .conflict,
                "image '\(name)' could not be made: \(record.failure?.message ?? "unknown")",
                hint: "import it again under the same name"
            )
        case .queued, .building:
            throw VersError(
                .conflict,
                "image '\(name)' is not ready yet",
                hint: "wait for it: vers image status \(name)"
            )
        }
    }

    private func record(_ name: String, for principal: Principal) async throws -> ImportedImage? {
        let organisation = principal.organisationID
        if let named = try await domain.importedImages.importedImage(named: name, of: organisation) { return named }
        guard let id = BaseImageID(name), let record = try await domain.importedImages.importedImage(id),
            record.organisationID == organisation
        else { return nil }
        return record
    }
}
