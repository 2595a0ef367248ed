import Foundation
public import VersAPI

extension VersClient {
    /// - Throws: `.notFound`, `.invalidArgument` (a directory, a relative path), `.payloadTooLarge` over
    ///   ``TransferLimit/fileBytes``.
    public func readFile(_ path: String, in machine: MachineID) async throws -> [UInt8] {
        let query = [URLQueryItem(name: "path", value: path)]
        let plan = RequestPlan(.get, "/vm/\(machine)/files", query: query, patience: .operation)
        let content = try await transport.value(FileContent.self, plan)
        guard let data = Data(base64Encoded: content.content_b64) else {
            throw VersError(.internal, "the server sent the file '\(path)' in something that is not base64")
        }
        return Array(data)
    }

    /// Replaces the file at once, or makes it. At most ``TransferLimit/fileBytes``.
    /// - Parameter mode: permission bits, at most `0o7777`.
    public func writeFile(
        _ bytes: [UInt8],
        to path: String,
        in machine: MachineID,
        mode: UInt32 = WriteFileRequest.defaultMode,
        createDirectories: Bool = false
    ) async throws {
        // Checked here too: a refusal in the middle of a large upload breaks the connection under the client.
        guard bytes.count <= TransferLimit.fileBytes else {
            throw VersError(
                .payloadTooLarge,
                "the file has \(bytes.count) bytes: expected at most \(TransferLimit.fileBytes)"
            )
        }
        let body = WriteFileRequest(
            path: path,
            content_b64: Data(bytes).base64EncodedString(),
            mode: mode,
            create_dirs: createDirectories
        )
        try await transport.perform(
            try RequestPlan(.put, "/vm/\(machine)/files", json: body, patience: .operation)
        )
    }
}
