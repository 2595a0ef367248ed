import Synchronization
import VersCore

/// A connection inside a guest that a test's service holds the other end of.
final class GuestDouble: GuestStream {
    let endpoint: GuestEndpoint
    let toGuest = BytePipe()
    let fromGuest = BytePipe()
    private let closed = Mutex(false)

    init(_ endpoint: GuestEndpoint) { self.endpoint = endpoint }

    var isClosed: Bool { closed.withLock { $0 } }

    func read() async throws -> [UInt8]? { try await fromGuest.read() }
    func write(_ bytes: [UInt8]) async throws { try await toGuest.write(bytes) }
    func endWriting() async throws { toGuest.end() }

    func close() async {
        closed.withLock { $0 = true }
        toGuest.end()
        fromGuest.destroy()
    }
}
