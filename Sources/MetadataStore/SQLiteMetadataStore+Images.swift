import GRDB
public import VersAPI
public import VersCore

extension SQLiteMetadataStore: ImportedImageRecording {
    public func importedImages() async throws -> [ImportedImage] {
        try await pool.read { try ImportedImageRecord.fetchAll($0).map { try $0.image() } }
    }

    public func importedImages(of organisation: OrganisationID) async throws -> [ImportedImage] {
        try await pool.read { database in
            try ImportedImageRecord.filter(ImportedImageRecord.Columns.organisationID == organisation.text)
                .order(ImportedImageRecord.Columns.createdAt.desc, Column.rowID.desc)
                .fetchAll(database)
                .map { try $0.image() }
        }
    }

    public func importedImage(_ id: BaseImageID) async throws -> ImportedImage? {
        try await pool.read { try ImportedImageRecord.fetchOne($0, key: id.text)?.image() }
    }

    public func importedImage(named name: String, of organisation: OrganisationID) async throws -> ImportedImage? {
        try await pool.read { try Self.fetch(name, of: organisation, in: $0) }
    }

    public func insert(_ image: ImportedImage) async throws -> BaseImageID? {
        try await pool.write { database in
            let present = try Self.fetch(image.name, of: image.organisationID, in: database)
            if let present {
                guard present.state == .failed else {
                    throw VersError(.alreadyExists, "an image is called '\(image.name)' already")
                }
                try ImportedImageRecord(present).delete(database)
            }
            try ImportedImageRecord(image).insert(database)
            return present?.id
        }
    }

    @discardableResult
    public func update(
        _ id: BaseImageID,
        _ change: @Sendable @escaping (inout ImportedImage) -> Void
    ) async throws -> ImportedImage {
        try await pool.write { database in
            guard var image = try ImportedImageRecord.fetchOne(database, key: id.text)?.image() else {
                throw VersError(.notFound, "image not found: \(id)")
            }
            change(&image)
            try ImportedImageRecord(image).update(database)
            return image
        }
    }

    public func remove(_ id: BaseImageID) async throws {
        try await pool.write { _ = try ImportedImageRecord.deleteOne($0, key: id.text) }
    }

    private static func fetch(
        _ name: String,
        of organisation: OrganisationID,
        in database: Database
    ) throws -> ImportedImage? {
        try ImportedImageRecord.filter(ImportedImageRecord.Columns.organisationID == organisation.text)
            .filter(ImportedImageRecord.Columns.name == name)
            .fetchOne(database)?
            .image()
    }
}
