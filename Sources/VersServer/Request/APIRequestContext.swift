import Foundation
import Hummingbird
import Logging
import NIOCore
import VersAPI
import VersCore

/// What travels with one request through middleware and routes.
struct APIRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Returned as `X-Request-Id` and stamped on every log line.
    let requestID: String
    /// Set by ``AuthenticationMiddleware``.
    var principal: Principal?
    /// The key's text, from the same place. Never logged.
    var bearerKey: String?
    /// Set when the client named the request with `X-Idempotency-Key`: the id of the command that it runs.
    var namedExecID: ExecID?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        requestID = UUID().uuidString.lowercased()
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request.id"] = .string(requestID)
    }

    /// - Throws: `.unauthenticated` on a route that lacks the middleware.
    func requirePrincipal() throws -> Principal {
        guard let principal else { throw VersError(.unauthenticated, "this route needs an API key") }
        return principal
    }

    /// The id in the path. Routes name their captures `id` and `exec_id`; `name` is what the error calls it.
    /// - Throws: `.invalidArgument` naming the parameter.
    func pathID<ID: ResourceIdentifier>(_ type: ID.Type, capture: String = "id", name: String) throws -> ID {
        let text = parameters.get(capture) ?? ""
        guard let id = ID(text) else {
            throw VersError(.invalidArgument, "invalid path parameter \(name) '\(text.prefix(64))': expected a UUID")
        }
        return id
    }

    func machineID() throws -> MachineID { try pathID(MachineID.self, name: "vm_id") }

    func commitID() throws -> CommitID { try pathID(CommitID.self, name: "commit_id") }

    func execID() throws -> ExecID { try pathID(ExecID.self, capture: "exec_id", name: "exec_id") }
}
