import GuestProtocol
import Synchronization
import VersAPI
import VersCore

/// A followed command. Stops following when it is let go of.
final class AgentExec: GuestExec {
    let id: ExecID
    private let session: AgentSession
    private let channel: UInt32
    private let inbox: Inbox
    private let hasEnded = Mutex(false)

    init(id: ExecID, session: AgentSession, channel: UInt32, inbox: Inbox) {
        self.id = id
        self.session = session
        self.channel = channel
        self.inbox = inbox
    }

    deinit {
        end(hasEnded: false)
    }

    func next() async throws -> ExecEvent? {
        if hasEnded.withLock({ $0 }) { return nil }
        let frame = try await nextFrame()
        do throws(ProtocolError) {
            switch frame.type {
            case .output:
                let record = try OutputRecord(decoding: frame.payload)
                if let credit = inbox.consume(frame.payload.count) { session.core.postCredit(credit, channel) }
                return .chunk(
                    stream: OutputStream(record.stream),
                    data: record.data,
                    cursor: record.cursor,
                    execID: id,
                    timestamp: timestampText(nanoseconds: record.timestamp)
                )
            case .exit:
                let record = try ExitRecord(decoding: frame.payload)
                end(hasEnded: true)
                return .exit(code: record.code, cursor: record.cursor, execID: id)
            case .failure:
                let failure = VersError(try Failure(decoding: frame.payload))
                end(hasEnded: true)
                return .error(code: failure.code, message: failure.message)
            default: throw .unknownType(frame.type.rawValue)
            }
        } catch {
            end(hasEnded: false)
            throw VersError.protocolViolation(error)
        }
    }

    /// A command may say nothing for as long as it likes, while its agent is there.
    private func nextFrame() async throws -> Frame {
        if let frame = inbox.takeNow() { return frame }
        do {
            return try await session.attended { [inbox] in try await inbox.next() }
        } catch let error as VersError where error.code == .timedOut {
            end(hasEnded: false)
            throw VersError(
                error.code,
                "\(error.message); command \(id) may run on: it can be followed again when the agent answers",
                hint: error.hint
            )
        }
    }

    func detach() async {
        end(hasEnded: false)
    }

    private func end(hasEnded isOver: Bool) {
        let isFirst = hasEnded.withLock { ended in
            defer { ended = true }
            return !ended
        }
        if isFirst { session.core.closeChannel(channel, hasEnded: isOver) }
    }
}
