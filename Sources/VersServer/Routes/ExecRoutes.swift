import Hummingbird
import VersAPI
import VersCore

/// Commands in VMs: run, follow, feed, signal, and their journal.
struct ExecRoutes: Sendable {
    let machines: any MachineOperations
    let bodies: BodyReader
    let follower: ExecFollower

    func register(on routes: inout RouteList) {
        routes.on(.post, "/vm/:id/exec", .command, use: execute)
        routes.on(.post, "/vm/:id/exec/stream", .never, use: stream)
        routes.on(.post, "/vm/:id/exec/stream/attach", .never, use: attach)
        routes.on(.post, "/vm/:id/exec/:exec_id/stdin", use: sendInput)
        routes.on(.post, "/vm/:id/exec/:exec_id/resize", .repeatable, use: resize)
        routes.on(.post, "/vm/:id/exec/:exec_id/signal", use: signal)
        routes.on(.get, "/vm/:id/logs", use: logs)
    }

    private func execute(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let use = try await machines.keepAwake(context.machineID(), for: context.requirePrincipal())
        let exec = try await start(request, context)
        return try await follower.collect(exec, context, keeping: use)
    }

    private func stream(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let use = try await machines.keepAwake(context.machineID(), for: context.requirePrincipal())
        let exec = try await start(request, context)
        return try await follower.stream(exec, context, keeping: use)
    }

    private func attach(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let body = try await bodies.json(AttachRequest.self, of: request)
        if body.cursor != nil, body.from_latest == true {
            throw VersError(.invalidArgument, "cursor and from_latest exclude each other: expected one of them")
        }
        let use = try await machines.keepAwake(id, for: context.requirePrincipal())
        let exec = try await guest(id, request, context).attach(body)
        return try await follower.stream(exec, context, keeping: use)
    }

    private func start(_ request: Request, _ context: APIRequestContext) async throws -> any GuestExec {
        let id = try context.machineID()
        var body = try await bodies.json(ExecRequest.self, of: request)
        try Self.validate(body)
        let guest = try await guest(id, request, context)
        guard body.exec_id == nil, let id = context.namedExecID else {
            body.exec_id = body.exec_id ?? ExecID()
            return try await guest.execute(body)
        }
        return try await start(body, in: guest, as: id)
    }

    /// Runs a command under an id that belongs to one named request: if it is taken, this very request was cut off
    /// after it had started the command, which is followed from its beginning then.
    private func start(_ body: ExecRequest, in guest: any GuestSession, as id: ExecID) async throws -> any GuestExec {
        var body = body
        body.exec_id = id
        do {
            return try await guest.execute(body)
        } catch let error as VersError where error.code == .alreadyExists {
            return try await guest.attach(AttachRequest(exec_id: id))
        }
    }

    private static func validate(_ body: ExecRequest) throws {
        guard let program = body.command.first, !program.isEmpty else {
            throw VersError(.invalidArgument, "command is empty: expected at least the program's name")
        }
        let variables = (body.env ?? [:]).flatMap { [$0.key, $0.value] }
        for text in body.command + variables + [body.working_dir ?? ""] where text.utf8.contains(0) {
            throw VersError(.invalidArgument, "'\(text.prefix(64))' contains a NUL byte: no program can receive it")
        }
        for name in (body.env ?? [:]).keys where name.isEmpty || name.contains("=") {
            throw VersError(.invalidArgument, "invalid variable name '\(name.prefix(64))': expected no '=', not empty")
        }
        if let size = body.tty { try validate(size) }
    }

    private static func validate(_ size: TerminalSize) throws {
        guard size.columns > 0, size.rows > 0 else {
            throw VersError(
                .invalidArgument,
                "invalid terminal size \(size.columns)x\(size.rows): expected 1 to \(UInt16.max) of each"
            )
        }
    }

    private func sendInput(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (id, exec) = (try context.machineID(), try context.execID())
        let ends = try QueryOptions(request).flag("eof")
        let body = try await bodies.bytes(of: request, limit: bodies.maximumUploadBytes)
        try await guest(id, request, context).sendInput(Array(body.readableBytesView), to: exec, endOfInput: ends)
        return .emptyObject
    }

    private func resize(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (id, exec) = (try context.machineID(), try context.execID())
        let size = try await bodies.json(TerminalSize.self, of: request)
        try Self.validate(size)
        try await guest(id, request, context).resizeTerminal(of: exec, to: size)
        return .emptyObject
    }

    private func signal(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (id, exec) = (try context.machineID(), try context.execID())
        let body = try await bodies.json(SignalRequest.self, of: request)
        guard (1...64).contains(body.signal) else {
            throw VersError(.invalidArgument, "invalid signal \(body.signal): expected 1 to 64")
        }
        try await guest(id, request, context).signal(body.signal, to: exec)
        return .emptyObject
    }

    private func logs(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.machineID()
        let query = QueryOptions(request)
        let offset = try query.integer("offset", default: UInt64(0), in: 0...UInt64.max)
        let entries = try query.integer("max_entries", default: 1000, in: 1...TransferLimit.logEntries)
        let stream = try query.text("stream").map { text in
            guard let stream = OutputStream(rawValue: text) else {
                throw VersError(
                    .invalidArgument,
                    "invalid query parameter stream '\(text.prefix(64))': expected stdout or stderr"
                )
            }
            return stream
        }
        let guest = try await guest(id, request, context)
        return try .json(try await guest.logs(offset: offset, maximumEntries: entries, stream: stream))
    }

    private func guest(
        _ id: MachineID,
        _ request: Request,
        _ context: APIRequestContext
    ) async throws -> any GuestSession {
        try await machines.guest(
            of: id,
            skipWaitBoot: try QueryOptions(request).flag("skip_wait_boot"),
            for: try context.requirePrincipal()
        )
    }
}
