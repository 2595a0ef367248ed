import Foundation
import Hummingbird
import VersAPI

/// Who may connect to a VM's ports.
struct ExposureRoutes: Sendable {
    let exposure: any ExposureOperations
    let frontDoor: any FrontDoorOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/vm/:id/exposure", use: show)
        routes.on(.patch, "/vm/:id/exposure", use: change)
        routes.on(.post, "/vm/:id/link", .never, use: link)
    }

    private func show(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(MachineID.self, name: "vm_id")
        return try .json(try await exposure.exposure(of: id, for: try context.requirePrincipal()))
    }

    private func change(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(MachineID.self, name: "vm_id")
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(Exposure.self, of: request)
        try await exposure.setExposure(body, of: id, for: principal)
        return try .json(body)
    }

    private func link(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(MachineID.self, name: "vm_id")
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(LinkRequest.self, of: request)
        let seconds = body.expires_in_seconds ?? LinkRequest.defaultSeconds
        guard LinkRequest.secondsRange.contains(seconds) else {
            throw VersError(
                .invalidField,
                "invalid expires_in_seconds \(seconds): expected \(LinkRequest.secondsRange.lowerBound) to "
                    + "\(LinkRequest.secondsRange.upperBound)"
            )
        }
        guard body.port != 0 else { throw VersError(.invalidField, "invalid port 0: expected 1 to 65535") }
        _ = try await exposure.exposure(of: id, for: principal)
        // Whole seconds: what is signed is what is said.
        let expiry = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + Double(seconds)).rounded(.up))
        let url = try await frontDoor.link(to: id, port: body.port, validUntil: expiry)
        return try .json(LinkResponse(url: url, expires_at: expiry))
    }
}
