import VersAPI

/// Collects a command's output for the synchronous call, up to a limit per stream.
struct OutputCollector {
    private let id: ExecID
    private let limit: Int
    private var stdout: [UInt8] = []
    private var stderr: [UInt8] = []
    private var exitCode: Int32?

    init(_ id: ExecID, limit: Int) {
        self.id = id
        self.limit = limit
    }

    /// - Throws: `.payloadTooLarge` when a stream is longer than the limit; the command runs on.
    mutating func add(_ event: ExecEvent) throws {
        switch event {
        case .chunk(.stdout, let data, _, _, _): try append(data, to: &stdout, "stdout")
        case .chunk(.stderr, let data, _, _, _): try append(data, to: &stderr, "stderr")
        case .exit(let code, _, _): exitCode = code
        case .error(let code, let message): throw VersError(code, message)
        }
    }

    /// - Throws: `.unavailable` when the events ended without an exit.
    func result() throws -> ExecResponse {
        guard let exitCode else {
            throw VersError(.unavailable, "the guest stopped reporting before command \(id) ended")
        }
        return ExecResponse(
            exit_code: exitCode,
            stdout: String(decoding: stdout, as: UTF8.self),
            stderr: String(decoding: stderr, as: UTF8.self),
            exec_id: id
        )
    }

    private func append(_ data: [UInt8], to output: inout [UInt8], _ name: String) throws {
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
