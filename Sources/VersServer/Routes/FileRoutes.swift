import Foundation
import Hummingbird
import VersAPI
import VersCore

/// Single files inside VMs.
struct FileRoutes: Sendable {
    let machines: any MachineOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/vm/:id/files", use: read)
        routes.on(.put, "/vm/:id/files", .repeatable, use: write)
    }

    private func read(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let query = QueryOptions(request)
        let path = try Self.absolute(query.text("path"))
        let guest = try await machines.guest(
            of: id,
            skipWaitBoot: try query.flag("skip_wait_boot"),
            for: try context.requirePrincipal()
        )
        let bytes = try await guest.readFile(path, limitInBytes: TransferLimit.fileBytes)
        return try .json(FileContent(content_b64: Data(bytes).base64EncodedString()))
    }

    private func write(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let skips = try QueryOptions(request).flag("skip_wait_boot")
        let body = try await bodies.json(WriteFileRequest.self, of: request, limit: bodies.maximumUploadBytes)
        let path = try Self.absolute(body.path)
        let mode = body.mode ?? WriteFileRequest.defaultMode
        guard mode <= 0o7777 else {
            throw VersError(.invalidArgument, "invalid mode \(mode): expected 0 to \(0o7777), which is octal 7777")
        }
        guard let content = Data(base64Encoded: body.content_b64) else {
            throw VersError(.invalidField, "field 'content_b64': expected base64")
        }
        guard content.count <= TransferLimit.fileBytes else {
            throw VersError(
                .payloadTooLarge,
                "the file has \(content.count) bytes: expected at most \(TransferLimit.fileBytes)"
            )
        }
        let guest = try await machines.guest(of: id, skipWaitBoot: skips, for: try context.requirePrincipal())
        try await guest.writeFile(path, bytes: Array(content), mode: mode, createDirectories: body.create_dirs ?? false)
        return .emptyObject
    }

    private static func absolute(_ path: String?) throws -> String {
        guard let path, path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw VersError(.invalidArgument, "invalid path '\(path?.prefix(256) ?? "")': expected an absolute path")
        }
        return path
    }
}
