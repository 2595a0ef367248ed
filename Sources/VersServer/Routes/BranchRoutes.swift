import Hummingbird
import VersAPI
import VersCore

/// Branching. Options are in the query; the body is ignored, whatever clients put there.
struct BranchRoutes: Sendable {
    let machines: any MachineOperations
    let tags: any TagOperations

    func register(on routes: inout RouteList) {
        routes.on(.post, "/vm/:id/branch", .machines, use: branch)
        routes.on(.post, "/vm/branch/by_vm/:id", .machines, use: branchByMachine)
        routes.on(.post, "/vm/branch/by_commit/:id", .machines, use: branchByCommit)
        routes.on(.post, "/vm/branch/by_tag/:tag", .machines, use: branchByTag)
        routes.on(.post, "/vm/branch/by_ref/:repo/:tag", .machines, use: branchByReference)
    }

    private func branch(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let name = try context.commitName("vm_or_commit_id")
        let principal = try context.requirePrincipal()
        if case .id(let id) = name,
            case .machine(let machine) = try await machines.branchSource(named: id.text, for: principal)
        {
            return try await create(from: .machine(machine), request, context)
        }
        return try await create(fromCommit: name, request, context)
    }

    private func branchByMachine(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Self.withListShapedErrors {
            try await create(from: .machine(try context.machineID()), request, context)
        }
    }

    private func branchByCommit(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Self.withListShapedErrors {
            try await create(fromCommit: .id(try context.commitID()), request, context)
        }
    }

    private func branchByTag(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Self.withListShapedErrors {
            try await create(fromCommit: .tag(try context.tagName()), request, context)
        }
    }

    private func branchByReference(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Self.withListShapedErrors {
            let reference = TagReference(repository: try context.repositoryName(), tag: try context.tagName())
            return try await create(fromCommit: .reference(reference), request, context)
        }
    }

    private func create(
        fromCommit name: CommitName,
        _ request: Request,
        _ context: APIRequestContext
    ) async throws -> Response {
        let commit = try await tags.commit(named: name, for: try context.requirePrincipal())
        return try await create(from: .commit(commit), request, context)
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
