import Hummingbird
import VersAPI

/// Labels of VMs, beside the upsert in ``MachineRoutes``.
struct LabelRoutes: Sendable {
    let labels: any LabelOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.put, "/vm/:id/labels", .repeatable, use: replace)
        routes.on(.delete, "/vm/:id/label/:name", use: remove)
    }

    private func replace(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(LabelsRequest.self, of: request)
        try await labels.replaceLabels(body.labels, of: id, for: principal)
        return .emptyObject
    }

    private func remove(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let name = try context.pathName("name", of: "label name")
        try await labels.removeLabel(name, of: id, for: try context.requirePrincipal())
        return .emptyObject
    }
}
