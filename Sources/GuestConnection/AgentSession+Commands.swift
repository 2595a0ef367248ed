import GuestProtocol
import Synchronization
import VersAPI
import VersCore

import struct Foundation.Data

extension AgentSession {
    /// Together a quarter of what the agent keeps for a process that does not read.
    private static let inputPiecesUnderWay = 4

    func execute(_ request: ExecRequest) async throws -> any GuestExec {
        let id = request.exec_id ?? ExecID()
        let stdin = Array((request.stdin ?? "").utf8)
        let head = Array(stdin.prefix(ProtocolLimits.inputInBytes))
        let rest = stdin.dropFirst(head.count)
        let keepsOpen = request.keep_stdin_open ?? false
        let (milliseconds, overflow) = (request.timeout_secs ?? 0).multipliedReportingOverflow(by: 1000)
        let spawn = SpawnRequest(
            id: id.wire,
            arguments: request.command,
            environment: (request.env ?? [:]).map { EnvironmentVariable(name: $0.key, value: $0.value) },
            directory: request.working_dir ?? "",
            stdin: head,
            keepsInputOpen: keepsOpen || !rest.isEmpty,
            terminal: request.tty.map { CellSize(columns: $0.columns, rows: $0.rows) },
            timeout: overflow ? .max : milliseconds
        )
        let what = "the start of '\(request.command.first ?? "")'"
        let exec =
            request.toolbox ?? false
            ? try await followTool(spawn, id, what) : try await follow(.spawn(spawn), id, what)
        if !rest.isEmpty { feed(Array(rest), to: id, endOfInput: !keepsOpen) }
        return exec
    }

    private func followTool(_ spawn: SpawnRequest, _ id: ExecID, _ what: String) async throws -> any GuestExec {
        do {
            return try await follow(.spawnTool(spawn), id, what)
        } catch let error as VersError where [.unsupported, .internal].contains(error.code) {
            // An agent that has never heard of it calls it malformed.
            throw VersError(
                .incompatible,
                "the VM's image was made by an older release, and its agent has no toolbox",
                hint: "make the image again (make image), and VMs from it",
                cause: error
            )
        }
    }

    func attach(_ request: AttachRequest) async throws -> any GuestExec {
        let attach = Request.attach(
            request.exec_id.wire,
            cursor: request.cursor ?? 0,
            fromLatest: request.from_latest ?? false
        )
        return try await follow(attach, request.exec_id, "attaching to a command")
    }

    private func follow(_ request: Request, _ id: ExecID, _ what: String) async throws -> any GuestExec {
        let core = core
        return try await attended(.now + Self.callTimeout, what) {
            let (number, inbox) = try core.openChannel()
            do {
                try await core.sendRequest(request, on: number)
                _ = try await Self.reply(from: inbox)
                return AgentExec(id: id, session: self, channel: number, inbox: inbox)
            } catch {
                core.closeChannel(number, hasEnded: false)
                throw error
            }
        }
    }

    func sendInput(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) async throws {
        if let feeder = feeders.withLock({ $0[exec] }) { await feeder.value }
        try await sendPieces(bytes, to: exec, endOfInput: endOfInput)
    }

    /// Some pieces are under way at once, so that the process finds the next when it has read one. The agent takes them in
    /// their order, and when it refuses one, every later one, too.
    private func sendPieces(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) async throws {
        var underWay: [(channel: UInt32, inbox: Inbox)] = []
        defer { for piece in underWay { core.closeChannel(piece.channel, hasEnded: false) } }
        var position = 0
        repeat {
            if underWay.count == Self.inputPiecesUnderWay { try await settleFirst(of: &underWay) }
            let end = min(position + ProtocolLimits.inputInBytes, bytes.count)
            let isLast = end == bytes.count
            let (channel, inbox) = try core.openChannel()
            underWay.append((channel, inbox))
            let request = Request.input(exec.wire, Array(bytes[position..<end]), end: endOfInput && isLast)
            try await core.sendRequest(request, on: channel)
            position = end
        } while position < bytes.count
        while !underWay.isEmpty { try await settleFirst(of: &underWay) }
    }

    /// Waits for an answer, which takes as long as the process likes.
    private func settleFirst(of underWay: inout [(channel: UInt32, inbox: Inbox)]) async throws {
        guard let first = underWay.first else { return }
        _ = try await Self.reply(from: first.inbox)
        underWay.removeFirst()
        core.closeChannel(first.channel, hasEnded: true)
    }

    /// Feeds what did not fit into the request. Ends when the process has taken it, or takes no more, or with the
    /// connection; until then it keeps the session open.
    private func feed(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) {
        feeders.withLock { feeders in
            feeders[exec] = Task {
                // A command that does not read all of its input is no error.
                try? await sendPieces(bytes, to: exec, endOfInput: endOfInput)
                self.feeders.withLock { $0[exec] = nil }
            }
        }
    }

    func logs(offset: UInt64, maximumEntries: Int, stream: VersAPI.OutputStream?) async throws -> LogPage {
        let request = Request.logs(
            offset: offset,
            maximumEntries: UInt32(clamping: maximumEntries),
            stream: stream?.wire
        )
        let reply = try await call(request, "reading the log")
        do throws(ProtocolError) {
            let page = try LogPageReply(decoding: reply)
            let entries = page.entries.map { entry in
                LogEntry(
                    timestamp: timestampText(nanoseconds: entry.timestamp),
                    stream: VersAPI.OutputStream(entry.stream),
                    data_b64: Data(entry.data).base64EncodedString(),
                    exec_id: ExecID(entry.execID.description)
                )
            }
            return LogPage(entries: entries, eof: page.isLast, next_offset: page.nextOffset)
        } catch {
            throw VersError.protocolViolation(error)
        }
    }
}
