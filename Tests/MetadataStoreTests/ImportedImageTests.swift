import Foundation
import Testing
import VersAPI
import VersCore

@testable import MetadataStore

struct ImportedImageTests {
    private let file = TemporaryDatabase()
    private let store: SQLiteMetadataStore

    init() throws { store = try SQLiteMetadataStore(path: file.path) }

    private func image(
        _ name: String,
        of organisation: OrganisationID = .owner,
        source: ImportedImage.Source = .upload
    ) -> ImportedImage {
        ImportedImage(
            id: BaseImageID(),
            organisationID: organisation,
            ownerID: KeyID(),
            name: name,
            source: source,
            size: .exactly(mebibytes: 700),
            description: "what it is",
            createdAt: Date(timeIntervalSince1970: 1_700_000_000.125)
        )
    }

    @Test func `every field comes back`() async throws {
        var image = image("app", source: .reference("debian:12"))
        image.state = .failed
        image.diskMiB = 40
        image.failure = .init(code: .notFound, message: "no 'such' image")
        #expect(try await store.insert(image) == nil)
        #expect(try await store.importedImage(image.id) == image)
        #expect(try await store.importedImage(named: "app", of: .owner) == image)
        #expect(try await store.importedImages() == [image])
    }

    @Test func `a name is taken once in an organisation, unless what has it failed`() async throws {
        let first = image("app")
        _ = try await store.insert(first)
        _ = try await store.insert(image("app", of: OrganisationID()))
        let error = await #expect(throws: VersError.self) { _ = try await store.insert(image("app")) }
        #expect(error?.code == .alreadyExists)
        try await store.update(first.id) { $0.state = .failed }
        let second = image("app")
        #expect(try await store.insert(second) == first.id)
        #expect(try await store.importedImages(of: .owner).map(\.id) == [second.id])
    }

    @Test func `what is removed is gone, and cannot be changed`() async throws {
        let image = image("app")
        _ = try await store.insert(image)
        try await store.remove(image.id)
        try await store.remove(image.id)
        let error = await #expect(throws: VersError.self) { try await store.update(image.id) { $0.state = .ready } }
        #expect(error?.code == .notFound)
    }
}
