import NIOCore
import Synchronization
import SystemPackage

/// Collects the news that listeners accept connections, and passes it on once all do.
final class ListenerArrivals: Sendable {
    private let configuration: APIServerConfiguration
    private let onComplete: @Sendable (APIServer.Endpoints) async -> Void
    private let ports = Mutex<[APIServer.Listener: Int]>([:])

    init(_ configuration: APIServerConfiguration, onComplete: @escaping @Sendable (APIServer.Endpoints) async -> Void) {
        self.configuration = configuration
        self.onComplete = onComplete
    }

    func hasArrived(_ listener: APIServer.Listener) -> Bool { ports.withLock { $0[listener] != nil } }

    func arrived(_ listener: APIServer.Listener, _ channel: any Channel) async {
        if listener == .unix, let path = configuration.unixSocket { SocketFile.makePrivate(path) }
        let expected = configuration.unixSocket == nil ? 1 : 2
        let complete = ports.withLock { ports -> Int? in
            ports[listener] = channel.localAddress?.port ?? 0
            return ports.count == expected ? ports[.tcp] : nil
        }
        guard let port = complete else { return }
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        await onComplete(
            APIServer.Endpoints(url: "http://\(host):\(port)", port: port, unixSocket: configuration.unixSocket)
        )
    }
}
