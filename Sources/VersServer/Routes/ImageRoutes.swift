import Hummingbird
import VersAPI
import VersCore

/// Base images: list, make, look at, delete.
struct ImageRoutes: Sendable {
    let images: any ImageOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/images", use: list)
        routes.on(.post, "/images/create", use: create)
        // An archive is too large to be kept for comparison. A repetition finds the name taken, or the image failed.
        routes.on(.post, "/images/upload", .never, use: upload)
        routes.on(.get, "/images/:name/status", use: status)
        // The doubled segment is the public API's.
        routes.on(.delete, "/images/images/:id", use: delete)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryOptions(request)
        let limit = try query.integer("limit", default: BaseImagePage.defaultLimit, in: 1...BaseImagePage.maximumLimit)
        let offset = try query.integer("offset", default: 0, in: 0...Int(Int32.max))
        return try .json(try await images.list(limit: limit, offset: offset, for: try context.requirePrincipal()))
    }

    private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await bodies.json(ImageCreateRequest.self, of: request)
        return try .json(try await images.create(body, for: try context.requirePrincipal()), status: .created)
    }

    private func upload(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryOptions(request)
        guard let name = query.text("image_name") else {
            throw VersError(.invalidArgument, "missing query parameter image_name")
        }
        let range = ImageUploadSize.minimumMiB...ImageUploadSize.maximumMiB
        let size = try query.text("size_mib").map { _ in try query.integer("size_mib", default: 0, in: range) }
        let archive = try StreamedArchive(request, over: context.channel, limit: bodies.maximumArchiveBytes)
        let job = try await images.upload(archive, name: name, sizeMiB: size, for: try context.requirePrincipal())
        return try .json(job, status: .created)
    }

    private func status(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let name = context.parameters.get("name") ?? ""
        return try .json(try await images.status(ofImageNamed: name, for: try context.requirePrincipal()))
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(BaseImageID.self, name: "base_image_id")
        try await images.delete(id, for: try context.requirePrincipal())
        return try .json(ImageDeleteResponse(base_image_id: id, deleted: true))
    }
}
