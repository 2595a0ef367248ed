import Foundation
import Logging
public import VersAPI

/// Everything that can be asked about and done to base images.
public final class ImageService: Sendable {
    private let domain: Domain
    private let files: any ImportedImageFiling
    private let imports: ImageImports

    public init(domain: Domain, files: any ImportedImageFiling, imports: ImageImports) {
        self.domain = domain
        self.files = files
        self.imports = imports
    }

    // MARK: Reading

    /// The organisation's own, the newest first, then those that are installed for everybody.
    public func list(limit: Int, offset: Int, for principal: Principal) async throws -> BaseImagePage {
        try Validation.value(limit, of: "limit", in: 1...BaseImagePage.maximumLimit)
        try Validation.value(offset, of: "offset", in: 0...Int.max)
        let own = try await domain.importedImages.importedImages(of: principal.organisationID)
        let all = own.map(info) + (try await domain.images.installed().compactMap(\.info))
        let page = offset < all.count ? Array(all[offset...].prefix(limit)) : []
        return BaseImagePage(images: page, total: all.count, limit: limit, offset: offset)
    }

    public func status(ofImageNamed name: String, for principal: Principal) async throws -> ImageStatusResponse {
        try Validation.name(name, of: "image name")
        let own = try await domain.importedImages.importedImage(named: name, of: principal.organisationID)
        let installed = own == nil ? try await domain.images.installed().first { $0.name == name }?.info : nil
        guard let info = own.map(info) ?? installed else {
            throw VersError(.notFound, "image not found: '\(name)'", hint: "list images with: vers image list")
        }
        return ImageStatusResponse(
            image_name: info.image_name,
            status: info.status,
            size_mib: info.size_mib,
            error_message: own?.failure?.message,
            error_code: own?.failure?.code,
            base_image_id: info.base_image_id
        )
    }

    private func info(_ record: ImportedImage) -> BaseImageInfo {
        BaseImageInfo(
            base_image_id: record.id,
            image_name: record.name,
            owner_id: record.ownerID,
            is_public: false,
            source_type: record.source == .upload ? .upload : .docker,
            size_mib: record.diskMiB ?? 0,
            created_at: record.createdAt,
            description: record.description,
            status: status(of: record)
        )
    }

    private func status(of record: ImportedImage) -> ImageStatus {
        switch record.state {
        case .queued: .queued
        case .ready: .ready
        case .failed: .failed
        case .building: imports.phase(of: record.id).map { ImageStatus(rawValue: $0.rawValue) } ?? .queued
        }
    }

    // MARK: Making

    /// Queues the making of an image from a registry.
    public func create(_ request: ImageCreateRequest, for principal: Principal) async throws -> ImageJobResponse {
        let extra = request.size_mib ?? ImageCreateRequest.defaultExtraMiB
        try Validation.value(extra, of: "size_mib", in: 0...ImageUploadSize.maximumMiB)
        if let description = request.description { try Validation.description(description) }
        let reference = try Self.reference(request.source)
        try await checkIsFree(request.image_name, for: principal)
        try await domain.ensureDiskSpace()
        return try await record(
            ImportedImage(
                id: BaseImageID(),
                organisationID: principal.organisationID,
                ownerID: principal.keyID,
                name: request.image_name,
                source: .reference(reference),
                size: .extra(mebibytes: extra),
                description: request.description,
                createdAt: Date()
            )
        )
    }

    private static func reference(_ source: ImageCreateRequest.Source) throws -> String {
        switch source.type {
        case .docker:
            guard let text = source.image_ref else {
                throw VersError(.invalidField, "missing field 'source.image_ref': a source of type docker needs it")
            }
            _ = try ImageReference(text)
            return text
        case .s3:
            throw VersError(
                .unsupported,
                "this server reads no buckets: source.type 's3' is not supported",
                hint: "download the archive and upload it: vers image import ARCHIVE, or POST /images/upload"
            )
        default:
            throw VersError(
                .invalidField,
                "field 'source.type': unknown type '\(source.type.rawValue.prefix(64))': expected docker or s3"
            )
        }
    }

    /// Begins to take an archive from a client.
    /// - Parameter length: of the archive in bytes, when it is known.
    public func beginUpload(
        name: String,
        sizeMiB: Int?,
        length: Int64?,
        for principal: Principal
    ) async throws -> ImageUpload {
        if let sizeMiB {
            try Validation.value(sizeMiB, of: "size_mib", in: ImageUploadSize.minimumMiB...ImageUploadSize.maximumMiB)
        }
        try await checkIsFree(name, for: principal)
        try await domain.ensureDiskSpace()
        if let length { try await checkFits(length) }
        let image = ImportedImage(
            id: BaseImageID(),
            organisationID: principal.organisationID,
            ownerID: principal.keyID,
            name: name,
            source: .upload,
            size: sizeMiB.map { .exactly(mebibytes: $0) } ?? .automatic,
            description: nil,
            createdAt: Date()
        )
        return ImageUpload(
            image: image,
            file: try await files.receiveArchive(for: image.id),
            domain: domain,
            whenComplete: { [self] in try await record($0) },
            whenAbandoned: { [imports] in await imports.removeFiles(of: image.id) }
        )
    }

    private func checkFits(_ length: Int64) async throws {
        let free = try await domain.host.availableDiskMiB() - domain.configuration.reservedDiskMiB
        guard length >> 20 <= free else {
            throw VersError(
                .resourceExhausted,
                "the archive has \(length >> 20) MiB, and \(max(0, free)) MiB may be used below \(domain.layout.home)",
                hint: "delete VMs, commits or images that you no longer need"
            )
        }
    }

    /// Asks before anything is received; recording it asks again.
    private func checkIsFree(_ name: String, for principal: Principal) async throws {
        try Validation.name(name, of: "image name")
        let own = try await domain.importedImages.importedImage(named: name, of: principal.organisationID)
        let isTaken: Bool
        if let own {
            isTaken = own.state != .failed
        } else {
            isTaken = try await domain.images.installed().contains { $0.name == name }
        }
        guard !isTaken else {
            throw VersError(
                .alreadyExists,
                "an image is called '\(name)' already",
                hint: "choose another name, or delete that one: vers image delete \(name)"
            )
        }
    }

    private func record(_ image: ImportedImage) async throws -> ImageJobResponse {
        if let replaced = try await domain.importedImages.insert(image) { await imports.removeFiles(of: replaced) }
        imports.enqueue(image.id)
        return ImageJobResponse(job_id: image.id, image_name: image.name, status: .queued)
    }

    // MARK: Deleting

    /// Deletes an image that no VM and no commit rests on. One that is being made is not made any further.
    /// - Throws: `.inUse` naming what rests on it; `.forbidden` for an installed one.
    public func delete(_ id: BaseImageID, for principal: Principal) async throws {
        guard let record = try await domain.importedImages.importedImage(id),
            record.organisationID == principal.organisationID
        else {
            if let installed = try await domain.images.installed().first(where: { $0.build == id.text }) {
                throw VersError(.forbidden, "image '\(installed.name)' is installed with the instance, for everybody")
            }
            throw VersError(.notFound, "image not found: \(id)", hint: "list images with: vers image list")
        }
        if [.queued, .building].contains(record.state) { await imports.cancel(id) }
        guard await domain.imageUses.beginDeletion(of: id.text) else {
            throw Self.inUse(record, "a VM that is being made")
        }
        do {
            try await checkIsUnused(record, for: principal)
            try await retireBootCommits(of: record)
            try await domain.importedImages.remove(id)
        } catch {
            await domain.imageUses.cancelDeletion(of: id.text)
            throw error
        }
        await imports.removeFiles(of: id)
        await LayerReclaimer(domain: domain).reclaim()
    }

    /// Counts whatever rests on it, and names only what the principal may see: a public commit may have been taken
    /// elsewhere.
    private func checkIsUnused(_ record: ImportedImage, for principal: Principal) async throws {
        let build = record.id.text
        let machines = try await domain.metadata.liveMachines().filter { $0.hardware.imageBuild == build }
        guard machines.isEmpty else {
            let own = machines.filter { $0.organisationID == principal.organisationID }.map(\.id.text)
            throw Self.inUse(record, "\(machines.count) VM(s)\(Self.listed(own))")
        }
        let commits = try await domain.metadata.liveCommits().filter {
            $0.hardware.imageBuild == build && $0.kind != .boot
        }
        guard commits.isEmpty else {
            let own = commits.filter { $0.organisationID == principal.organisationID }.map(\.id.text)
            throw Self.inUse(record, "\(commits.count) commit(s)\(Self.listed(own))")
        }
    }

    /// Booted states are kept only to start VMs sooner. Without its VMs, nobody needs those of a deleted image.
    private func retireBootCommits(of record: ImportedImage) async throws {
        let busy = await domain.registry.commitsInUse()
        let commits = try await domain.metadata.liveCommits().filter {
            $0.hardware.imageBuild == record.id.text && $0.kind == .boot
        }
        guard !commits.contains(where: { busy.contains($0.id) }) else {
            throw Self.inUse(record, "an operation that runs")
        }
        for commit in commits { try await domain.metadata.update(commit.id) { $0.deletedAt = Date() } }
    }

    private static func inUse(_ record: ImportedImage, _ what: String) -> VersError {
        VersError(
            .inUse,
            "image '\(record.name)' is used by \(what)",
            hint: "delete what rests on it first: vers kill, vers commit delete"
        )
    }

    private static func listed(_ ids: [String]) -> String {
        guard !ids.isEmpty else { return "" }
        return ": " + ids.prefix(8).joined(separator: ", ") + (ids.count > 8 ? " and \(ids.count - 8) more" : "")
    }
}

extension BaseImage {
    /// As it is listed; nil for a build that has no id, which only another program can have made.
    var info: BaseImageInfo? {
        guard let id = BaseImageID(build), let owner = KeyID(OrganisationID.owner.text) else { return nil }
        return BaseImageInfo(
            base_image_id: id,
            image_name: name,
            owner_id: owner,
            is_public: true,
            source_type: .builtIn,
            size_mib: diskMiB,
            created_at: createdAt ?? Date(timeIntervalSince1970: 0),
            description: nil,
            status: .ready
        )
    }
}
