import Foundation
public import VersAPI

extension VersClient {
    /// The size of the pieces in which ``sendInput(_:to:in:endOfInput:)`` sends.
    private static let inputPieceBytes = 1024 * 1024

    /// Runs a command and returns when it has ended. A non-zero exit is a success of the call.
    /// - Throws: `.payloadTooLarge` when a stream is longer than ``TransferLimit/collectedOutputBytes``.
    public func execute(_ request: ExecRequest, in machine: MachineID) async throws -> ExecResponse {
        let plan = try RequestPlan(.post, "/vm/\(machine)/exec", json: request, patience: .unlimited)
        return try await transport.value(ExecResponse.self, plan)
    }

    /// Starts a command and follows it. Returns when the process exists; its id is in the stream.
    ///
    /// Ending the iteration, or cancelling its task, leaves the command running.
    public func stream(_ request: ExecRequest, in machine: MachineID) async throws -> ExecStream {
        try await follow(try RequestPlan(.post, "/vm/\(machine)/exec/stream", json: request, patience: .unlimited))
    }

    /// Follows a command that runs or ran.
    public func attach(_ request: AttachRequest, in machine: MachineID) async throws -> ExecStream {
        let path = "/vm/\(machine)/exec/stream/attach"
        return try await follow(try RequestPlan(.post, path, json: request, patience: .unlimited))
    }

    private func follow(_ plan: RequestPlan) async throws -> ExecStream {
        try ExecStream(try await transport.open(plan), transport: transport)
    }

    /// Feeds a command's stdin. Returns when the guest has taken the bytes, however long that takes.
    /// - Parameter endOfInput: closes stdin after the bytes.
    public func sendInput(
        _ bytes: [UInt8],
        to exec: ExecID,
        in machine: MachineID,
        endOfInput: Bool = false
    ) async throws {
        var rest = bytes[...]
        repeat {
            let piece = rest.prefix(Self.inputPieceBytes)
            rest = rest.dropFirst(piece.count)
            let query = [URLQueryItem.flag("eof", endOfInput && rest.isEmpty)]
            var plan = RequestPlan(.post, "/vm/\(machine)/exec/\(exec)/stdin", query: query, patience: .unlimited)
            plan.body = Data(piece)
            plan.contentType = "application/octet-stream"
            try await transport.perform(plan)
        } while !rest.isEmpty
    }

    /// Tells a command's terminal its new size.
    public func resizeTerminal(of exec: ExecID, in machine: MachineID, to size: TerminalSize) async throws {
        try await transport.perform(try RequestPlan(.post, "/vm/\(machine)/exec/\(exec)/resize", json: size))
    }

    /// Sends a signal, by its Linux number, to the command's process group.
    public func signal(_ number: Int32, to exec: ExecID, in machine: MachineID) async throws {
        let body = SignalRequest(signal: number)
        try await transport.perform(try RequestPlan(.post, "/vm/\(machine)/exec/\(exec)/signal", json: body))
    }

    /// A page of the journal of all commands.
    /// - Parameter stream: nil means both.
    public func logs(
        of machine: MachineID,
        offset: UInt64 = 0,
        maximumEntries: Int = 1000,
        stream: VersAPI.OutputStream? = nil
    ) async throws -> LogPage {
        var query = [
            URLQueryItem(name: "offset", value: "\(offset)"),
            URLQueryItem(name: "max_entries", value: "\(maximumEntries)"),
        ]
        if let stream { query.append(URLQueryItem(name: "stream", value: stream.rawValue)) }
        return try await transport.value(LogPage.self, RequestPlan(.get, "/vm/\(machine)/logs", query: query))
    }
}
