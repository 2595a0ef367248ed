import Foundation
public import VersAPI

extension VersClient {
    /// A piece of the serial console's output.
    /// - Parameter limit: 1 to ``TransferLimit/consoleBytes``.
    /// - Returns: the bytes from `offset` on, and where the next piece starts.
    public func console(
        of machine: MachineID,
        offset: UInt64 = 0,
        limit: Int = ConsoleResponse.defaultLimit
    ) async throws -> (bytes: [UInt8], nextOffset: UInt64) {
        let query = [URLQueryItem(name: "offset", value: "\(offset)"), URLQueryItem(name: "limit", value: "\(limit)")]
        let plan = RequestPlan(.get, "/vm/\(machine)/console", query: query)
        let answer = try await transport.value(ConsoleResponse.self, plan)
        guard let data = Data(base64Encoded: answer.content_b64) else {
            throw VersError(.internal, "the server sent the console in something that is not base64")
        }
        return (bytes: Array(data), nextOffset: answer.next_offset)
    }
}
