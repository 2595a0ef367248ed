import Foundation
public import SystemPackage
public import VersAPI

extension VersClient {
    /// This organisation's, the newest first, then those that are installed for everybody.
    /// - Parameter limit: 1 to ``BaseImagePage/maximumLimit``.
    public func images(limit: Int = BaseImagePage.defaultLimit, offset: Int = 0) async throws -> BaseImagePage {
        let query = [URLQueryItem(name: "limit", value: "\(limit)"), URLQueryItem(name: "offset", value: "\(offset)")]
        return try await transport.value(BaseImagePage.self, RequestPlan(.get, "/images", query: query))
    }

    /// Has an image made from a registry; returns when that is queued.
    public func createImage(_ request: ImageCreateRequest) async throws -> ImageJobResponse {
        try await transport.value(ImageJobResponse.self, try RequestPlan(.post, "/images/create", json: request))
    }

    /// Sends an archive (`docker save`, an OCI layout as a tar, or a root file system) and has an image made of it;
    /// returns when that is queued.
    /// - Parameter archive: of at most ``ImageUploadSize/maximumArchiveBytes``.
    /// - Parameter sizeMiB: of the disk; by default what the content needs, and at least 512.
    public func uploadImage(_ archive: FilePath, name: String, sizeMiB: Int? = nil) async throws -> ImageJobResponse {
        var query = [URLQueryItem(name: "image_name", value: name)]
        if let sizeMiB { query.append(URLQueryItem(name: "size_mib", value: "\(sizeMiB)")) }
        var plan = RequestPlan(.post, "/images/upload", query: query, patience: .unlimited)
        let upload = try FileUpload(archive)
        // Checked here too: a refusal in the middle of a large upload breaks the connection under the client.
        guard upload.length <= ImageUploadSize.maximumArchiveBytes else {
            throw VersError(
                .payloadTooLarge,
                "the archive has \(upload.length) bytes: expected at most \(ImageUploadSize.maximumArchiveBytes)"
            )
        }
        plan.upload = upload
        return try await transport.value(ImageJobResponse.self, plan)
    }

    public func imageStatus(_ name: String) async throws -> ImageStatusResponse {
        let escaped = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return try await transport.value(ImageStatusResponse.self, RequestPlan(.get, "/images/\(escaped)/status"))
    }

    /// - Throws: `.inUse` while a VM or a commit rests on it.
    public func deleteImage(_ id: BaseImageID) async throws {
        let plan = RequestPlan(.delete, "/images/images/\(id)", patience: .operation)
        _ = try await transport.value(ImageDeleteResponse.self, plan)
    }
}
