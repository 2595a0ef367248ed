import GuestProtocol
import Synchronization
import VersAPI
import VersCore

/// A followed command. Stops following when it is let go of.
final class AgentExec: GuestExec {
    let id: ExecID
    private let core: SessionCore
    private let channel: UInt32
    private let inbox: Inbox
    private let hasEnded = Mutex(false)

    init(id: ExecID, core: SessionCore, channel: UInt32, inbox: Inbox) {
        self.id = id
        self.core = core
        self.channel = channel
        self.inbox = inbox
    }

    deinit {
        end(hasEnded: false)
    }

    func next() async throws -> ExecEvent? {
        if hasEnded.withLock({ $0 }) { return nil }
        let frame = try await inbox.next()
        do throws(ProtocolError) {
            switch frame.type {
            case .output:
                let record = try OutputRecord(decoding: frame.payload)
                if let credit = inbox.consume(frame.payload.count) { core.postCredit(credit, channel) }
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

    func detach() async {
        end(hasEnded: false)
    }

    private func end(hasEnded isOver: Bool) {
        let isFirst = hasEnded.withLock { ended in
            defer { ended = true }
            return !ended
        }
        if isFirst { core.closeChannel(channel, hasEnded: isOver) }
    }
}
