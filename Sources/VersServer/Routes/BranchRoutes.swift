import Hummingbird
import VersAPI
import VersCore

/// Branching. Options are in the query; the body is ignored, whatever clients put there.
struct BranchRoutes: Sendable {
    let machines: any MachineOperations

    func register(on routes: inout RouteList) {
        routes.on(.post, "/vm/:id/branch", .machines, use: branch)
        routes.on(.post, "/vm/branch/by_vm/:id", .machines, use: branchByMachine)
        routes.on(.post, "/vm/branch/by_commit/:id", .machines, use: branchByCommit)
    }

    private func branch(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(MachineID.self, name: "vm_or_commit_id")
        let source = try await machines.branchSource(named: id.text, for: try context.requirePrincipal())
        return try await create(from: source, request, context)
    }

    private func branchByMachine(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Self.withListShapedErrors {
            try await create(from: .machine(try context.machineID()), request, context)
        }
    }

    private func branchByCommit(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Self.withListShapedErrors {
            try await create(from: .commit(try context.commitID()), request, context)
        }
    }

    private func create(
        from source: BranchSource,
        _ request: Request,
        _ context: APIRequestContext
    ) async throws -> Response {
        let query = QueryOptions(request)
        let ids = try await machines.branch(
            source,
            count: try query.integer("count", default: 1, in: 1...TransferLimit.branchCount),
            options: try query.freezeOptions(),
            for: try context.requirePrincipal()
        )
        let body = NewMachinesResponse(vms: ids.map(NewMachineResponse.init(vm_id:)))
        return try .json(body, status: .created)
    }

    /// The public API answers the typed routes' errors in the shape of their success.
    private static func withListShapedErrors(_ operation: () async throws -> Response) async throws -> Response {
        do {
            return try await operation()
        } catch let error as VersError {
            throw RequestFailure(error, listsNoMachines: true)
        }
    }
}
