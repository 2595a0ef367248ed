import GuestProtocol
import VersAPI
import VersCore

extension AgentSession {
    /// For the whole of a file.
    static let transferTimeout = Duration.seconds(300)

    func readFile(_ path: String, limitInBytes: Int) async throws -> [UInt8] {
        let core = core
        return try await attended(.now + Self.transferTimeout, "reading '\(path)'") {
            let (number, inbox) = try core.openChannel()
            var hasEnded = false
            defer { core.closeChannel(number, hasEnded: hasEnded) }
            try await core.sendRequest(.readFile(path: path, limit: UInt64(max(0, limitInBytes))), on: number)
            var content: [UInt8] = []
            while !hasEnded {
                let frame = try await inbox.next()
                switch frame.type {
                case .data: break
                case .failure:
                    hasEnded = true
                    throw Self.failure(frame)
                default: throw VersError.protocolViolation(ProtocolError.unknownType(frame.type.rawValue))
                }
                guard content.count + frame.payload.count <= limitInBytes else {
                    throw VersError(.payloadTooLarge, "'\(path)' is longer than \(limitInBytes) bytes")
                }
                content += frame.payload
                if let credit = inbox.consume(frame.payload.count) { core.postCredit(credit, number) }
                hasEnded = frame.flags.contains(.end)
            }
            return content
        }
    }

    func writeFile(_ path: String, bytes: [UInt8], mode: UInt32, createDirectories: Bool) async throws {
        let core = core
        let request = Request.writeFile(
            path: path,
            mode: mode,
            createDirectories: createDirectories,
            size: UInt64(bytes.count)
        )
        try await attended(.now + Self.transferTimeout, "writing '\(path)'") {
            let (number, inbox) = try core.openChannel()
            var hasEnded = false
            defer { core.closeChannel(number, hasEnded: hasEnded) }
            try await core.sendRequest(request, on: number)
            try await Self.send(bytes, over: core, number, inbox)
            _ = try await Self.reply(afterCreditsIn: inbox)
            hasEnded = true
        }
    }

    private static func send(
        _ bytes: [UInt8],
        over core: SessionCore,
        _ number: UInt32,
        _ inbox: Inbox
    ) async throws {
        var window = SendWindow()
        var position = 0
        repeat {
            let size = min(ProtocolLimits.payloadInBytes, bytes.count - position)
            while window.available < size {
                let frame = try await inbox.next()
                guard frame.type == .credit else { throw failure(frame) }
                try grant(frame, to: &window)
            }
            window.spend(size)
            let piece = Array(bytes[position..<position + size])
            position += size
            try await core.send(.data, flags: position == bytes.count ? .end : [], number, piece)
        } while position < bytes.count
    }

    private static func grant(_ frame: Frame, to window: inout SendWindow) throws {
        do throws(ProtocolError) {
            var reader = ByteReader(frame.payload)
            try window.grant(try reader.read("credit"))
            try reader.finish()
        } catch {
            throw VersError.protocolViolation(error)
        }
    }

    private static func reply(afterCreditsIn inbox: Inbox) async throws -> [UInt8] {
        while true {
            let frame = try await inbox.next()
            switch frame.type {
            case .credit: continue
            case .reply: return frame.payload
            default: throw failure(frame)
            }
        }
    }
}

extension SessionCore {
    func postCredit(_ credit: UInt32, _ number: UInt32) {
        var writer = ByteWriter()
        writer.write(credit)
        post(.credit, number, writer.bytes)
    }
}
