import Hummingbird
import VersAPI
import VersCore

/// VMs: list, create, look at, change, commit, delete.
struct MachineRoutes: Sendable {
    let machines: any MachineOperations
    let tags: any TagOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/vms", use: list)
        routes.on(.get, "/vm", use: list)
        routes.on(.post, "/vm/new_root", .machine, use: newRoot)
        routes.on(.post, "/vm/from_commit", .machine, use: fromCommit)
        routes.on(.get, "/vm/:id/status", use: status)
        routes.on(.get, "/vm/:id/metadata", use: metadata)
        routes.on(.get, "/vm/:id/ssh_key", use: sshKey)
        routes.on(.patch, "/vm/:id/state", .repeatable, use: setState)
        routes.on(.patch, "/vm/:id/disk", use: resizeDisk)
        routes.on(.patch, "/vm/:id/wake", .repeatable, use: setWake)
        routes.on(.patch, "/vm/:id/label", .repeatable, use: upsertLabels)
        routes.on(.patch, "/vm/:id/network", .repeatable, use: setEgress)
        routes.on(.post, "/vm/:id/commit", .commit, use: commit)
        routes.on(.delete, "/vm/:id", use: delete)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await machines.list(for: try context.requirePrincipal()))
    }

    private func newRoot(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let waits = try QueryOptions(request).flag("wait_boot")
        let body = try await bodies.json(NewRootRequest.self, of: request)
        let id = try await machines.create(
            body.vm_config,
            waitForBoot: waits,
            for: try context.requirePrincipal()
        )
        return try .json(NewMachineResponse(vm_id: id), status: .created)
    }

    private func fromCommit(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await bodies.json(FromCommitRequest.self, of: request)
        let principal = try context.requirePrincipal()
        let commit = try await tags.commit(named: try Self.source(of: body), for: principal)
        let id = try await machines.create(from: commit, network: body.network, for: principal)
        return try .json(NewMachineResponse(vm_id: id), status: .created)
    }

    /// `commit_id` also takes what the two others do.
    private static func source(of body: FromCommitRequest) throws -> CommitName {
        let given = [body.commit_id, body.tag_name, body.ref].compactMap(\.self)
        guard given.count == 1 else {
            throw VersError(
                .invalidBody,
                "the body names \(given.count) sources: expected exactly one of commit_id, tag_name, ref"
            )
        }
        if let name = body.tag_name {
            try ResourceName.checkTagName(name, of: "tag name")
            return .tag(name)
        }
        if let text = body.ref {
            guard let reference = TagReference(text) else {
                throw VersError(
                    .invalidArgument,
                    "invalid ref '\(text.prefix(200))': expected repo_name:tag_name or org/repo_name:tag_name"
                )
            }
            return .reference(reference)
        }
        guard let name = CommitName(given[0]) else {
            throw VersError(
                .invalidField,
                "field 'commit_id': invalid id '\(given[0].prefix(64))': expected a UUID, a tag, or repo:tag"
            )
        }
        return name
    }

    private func status(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await machines.summary(of: try context.machineID(), for: try context.requirePrincipal()))
    }

    private func metadata(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await machines.metadata(of: try context.machineID(), for: try context.requirePrincipal()))
    }

    private func sshKey(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await machines.sshKey(of: try context.machineID(), for: try context.requirePrincipal()))
    }

    private func setState(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let skips = try QueryOptions(request).flag("skip_wait_boot")
        let body = try await bodies.json(StateRequest.self, of: request)
        try await machines.setState(
            of: id,
            to: body.state,
            skipWaitBoot: skips,
            for: try context.requirePrincipal()
        )
        return .emptyObject
    }

    private func resizeDisk(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let skips = try QueryOptions(request).flag("skip_wait_boot")
        let body = try await bodies.json(DiskRequest.self, of: request)
        try await machines.resizeDisk(
            of: id,
            toMiB: body.fs_size_mib,
            skipWaitBoot: skips,
            for: try context.requirePrincipal()
        )
        return .emptyObject
    }

    private func setWake(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let body = try await bodies.json(WakeRequest.self, of: request)
        try await machines.setWake(body, of: id, for: try context.requirePrincipal())
        return .emptyObject
    }

    private func upsertLabels(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let body = try await bodies.optionalJSON(LabelRequest.self, of: request)
        try await machines.upsertLabels(body?.labels ?? [:], of: id, for: try context.requirePrincipal())
        return .emptyObject
    }

    private func setEgress(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let body = try await bodies.json(EgressRequest.self, of: request)
        try await machines.setEgress(body, of: id, for: try context.requirePrincipal())
        return .emptyObject
    }

    private func commit(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let options = try QueryOptions(request).freezeOptions()
        let body = try await bodies.optionalJSON(CommitRequest.self, of: request) ?? CommitRequest()
        let principal = try context.requirePrincipal()
        let commit = try await machines.commit(id, request: body, options: options, for: principal)
        return try .json(CommitResponse(commit_id: commit), status: .created)
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let query = QueryOptions(request)
        let gone = try await machines.delete(
            id,
            recursive: try query.flag("recursive"),
            skipWaitBoot: try query.flag("skip_wait_boot"),
            for: try context.requirePrincipal()
        )
        return try .json(DeleteMachineResponse(vm_id: id, vm_ids: gone))
    }
}

extension QueryOptions {
    func freezeOptions() throws -> FreezeOptions {
        FreezeOptions(keepPaused: try flag("keep_paused"), skipWaitBoot: try flag("skip_wait_boot"))
    }
}
