import VersAPI

/// Which builds of images new VMs are being made from, and which go: a VM that is being made has no record yet that
/// would speak for its image.
actor ImageUses {
    private var uses: [String: Int] = [:]
    private var leaving: Set<String> = []

    /// Runs `body` while the build cannot be deleted.
    /// - Throws: `.notFound` when it is being deleted, or has been.
    nonisolated func whileUsing<Value: Sendable>(
        _ image: BaseImage,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await begin(image)
        do {
            let value = try await body()
            await end(image)
            return value
        } catch {
            await end(image)
            throw error
        }
    }

    /// Keeps new VMs away from a build that is about to be deleted.
    /// - Returns: false when VMs are being made from it now.
    func beginDeletion(of build: String) -> Bool {
        guard uses[build] == nil else { return false }
        leaving.insert(build)
        return true
    }

    /// It stays after all.
    func cancelDeletion(of build: String) { leaving.remove(build) }

    private func begin(_ image: BaseImage) throws {
        guard !leaving.contains(image.build) else {
            throw VersError(.notFound, "image not found: '\(image.name)' has just been deleted")
        }
        uses[image.build, default: 0] += 1
    }

    private func end(_ image: BaseImage) {
        guard let count = uses[image.build] else { return }
        uses[image.build] = count > 1 ? count - 1 : nil
    }
}
