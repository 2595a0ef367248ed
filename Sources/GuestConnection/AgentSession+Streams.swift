import GuestProtocol
import VersAPI
import VersCore

extension AgentSession {
    func dial(_ endpoint: GuestEndpoint) async throws -> any GuestStream {
        let host = endpoint.host ?? ""
        guard host.utf8.count <= ProtocolLimits.hostNameInBytes, endpoint.host != "" else {
            throw VersError(
                .invalidArgument,
                "invalid host '\(host.prefix(80))': expected a name or an address of 1 to "
                    + "\(ProtocolLimits.hostNameInBytes) bytes"
            )
        }
        let core = core
        return try await attended(.now + Self.callTimeout, "connecting to \(endpoint) in the guest") {
            let flow = StreamFlow(growth: core.streamGrowth)
            let number = try core.openChannel(flow)
            do {
                try await core.sendRequest(.dial(host: host, port: endpoint.port), on: number)
                try await flow.opened()
                return AgentStream(core: core, number: number, flow: flow)
            } catch {
                core.closeChannel(number, hasEnded: flow.close())
                throw Self.explaining(error)
            }
        }
    }

    /// An agent that cannot dial fails in no other way: it does not know the request.
    private static func explaining(_ error: any Error) -> any Error {
        guard let error = error as? VersError, error.code == .internal else { return error }
        return VersError(
            .incompatible,
            "the agent in this vm is of an older release and opens no connections",
            hint: "start the vm from its disk, so that it gets the present agent: vers stop, then vers start",
            cause: error
        )
    }
}
