import Foundation
import HostSystem
import SystemPackage
import VersAPI

/// Runs `body`, which may block, and says what of the instance's files failed.
/// - Parameter what: the operation, as the start of a message: `create commit 4d…`.
/// - Throws: ``VersError``: `.resourceExhausted` when the disk is full; else `.internal`, with the path: the files are ours,
///   whatever a client asked for.
func onDisk<Value: Sendable>(_ what: String, _ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    do {
        return try await BlockingPool.run(body)
    } catch let error as HostError where [.noSpace, .diskQuotaExceeded].contains(error.errno) {
        throw VersError(
            .resourceExhausted,
            "\(what): \(error)",
            hint: "delete VMs or commits that you no longer need: vers status, vers commit list",
            cause: error
        )
    } catch let error as HostError {
        throw VersError(.internal, "\(what): \(error)", hint: serverFault, cause: error)
    } catch let error as CocoaError {
        throw VersError(.internal, "\(what): \(error.localizedDescription)", hint: serverFault, cause: error)
    }
}

private let serverFault = "this is a fault of the server or of its disk: its log says more"
