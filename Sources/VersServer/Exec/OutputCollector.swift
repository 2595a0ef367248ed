import VersAPI
import VersCore

/// Collects a command's output for the synchronous call, up to a limit per stream.
struct OutputCollector {
    private let limit: Int
    private var stdout: [UInt8] = []
    private var stderr: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// Returns when the command has ended.
    /// - Throws: `.payloadTooLarge` when a stream is longer than the limit; the command runs on.
    mutating func run(_ exec: any GuestExec) async throws -> ExecResponse {
        while let event = try await exec.next() {
            switch event {
            case .chunk(.stdout, let data, _, _, _): try append(data, to: &stdout, "stdout", exec.id)
            case .chunk(.stderr, let data, _, _, _): try append(data, to: &stderr, "stderr", exec.id)
            case .exit(let code, _, let id):
                return ExecResponse(
                    exit_code: code,
                    stdout: String(decoding: stdout, as: UTF8.self),
                    stderr: String(decoding: stderr, as: UTF8.self),
                    exec_id: id
                )
            case .error(let code, let message): throw VersError(code, message)
            }
        }
        throw VersError(.unavailable, "the guest stopped reporting before command \(exec.id) ended")
    }

    private func append(_ data: [UInt8], to output: inout [UInt8], _ name: String, _ id: ExecID) throws {
        guard output.count + data.count <= limit else {
            throw VersError(
                .payloadTooLarge,
                "\(name) of command \(id) is longer than \(limit) bytes, the most that one answer carries",
                hint: "the command runs on: follow it with exec/stream/attach, or start it with exec/stream"
            )
        }
        output += data
    }
}
