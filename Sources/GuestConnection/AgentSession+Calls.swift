import GuestProtocol
import VersAPI
import VersCore

extension AgentSession {
    /// For calls that only change something in the guest. Generous: a guest under emulation may share its CPU.
    static let callTimeout = Duration.seconds(30)

    /// Makes a call and waits for its reply.
    /// - Parameter isAttended: whether an agent that shows no sign of life fails the call. Not for what keeps the agent itself
    ///   busy, nor for what may wait as long as it likes.
    func call(
        _ request: Request,
        _ what: String,
        deadline: ContinuousClock.Instant? = .now + AgentSession.callTimeout,
        isAttended: Bool = true
    ) async throws -> [UInt8] {
        let core = core
        let operation: @Sendable () async throws -> [UInt8] = {
            let (number, inbox) = try core.openChannel()
            var hasEnded = false
            defer { core.closeChannel(number, hasEnded: hasEnded) }
            try await core.sendRequest(request, on: number)
            let reply = try await Self.reply(from: inbox)
            hasEnded = true
            return reply
        }
        guard let deadline else { return try await operation() }
        guard isAttended else { return try await withDeadline(deadline, what, operation) }
        return try await attended(deadline, what, operation: operation)
    }

    static func reply(from inbox: Inbox) async throws -> [UInt8] {
        var assembler = MessageAssembler()
        while true {
            let frame = try await inbox.next()
            switch frame.type {
            case .reply:
                do throws(ProtocolError) {
                    if let message = try assembler.add(frame) { return message }
                } catch {
                    throw VersError.protocolViolation(error)
                }
            case .failure: throw failure(frame)
            default: throw VersError.protocolViolation(ProtocolError.unknownType(frame.type.rawValue))
            }
        }
    }

    static func failure(_ frame: Frame) -> VersError {
        do throws(ProtocolError) {
            return VersError(try Failure(decoding: frame.payload))
        } catch {
            return VersError.protocolViolation(error)
        }
    }

    func applyIdentity(_ identity: GuestIdentity) async throws {
        let request = IdentityRequest(
            machineID: WireID(identity.machineID.text) ?? WireID(high: 0, low: 0),
            entropy: identity.entropy,
            wallClock: identity.wallClockNanoseconds,
            hostname: identity.hostname,
            authorizedKey: identity.authorizedKey,
            sshHostKey: identity.sshHostKey,
            environment: identity.environment.map { EnvironmentVariable(name: $0.key, value: $0.value) },
            dropsConnections: identity.dropsConnections
        )
        _ = try await call(.applyIdentity(request), "the new identity", isAttended: false)
    }

    func startWorkload() async throws {
        do {
            _ = try await call(.startWorkload, "the start of the image's command", isAttended: false)
        } catch let error as VersError where error.code == .internal {
            throw VersError(
                .incompatible,
                "the agent in this image is of an older release and runs no command of an image",
                hint: "make the installed image again (make image), delete this one, and import it anew",
                cause: error
            )
        }
    }

    func waitUntilSettled(deadline: ContinuousClock.Instant) async throws {
        _ = try await call(
            .waitUntilSettled,
            "the start of the guest's services",
            deadline: deadline,
            isAttended: false
        )
    }

    func resizeTerminal(of exec: ExecID, to size: TerminalSize) async throws {
        let cells = CellSize(columns: size.columns, rows: size.rows)
        _ = try await call(.resizeTerminal(exec.wire, cells), "the new terminal size")
    }

    func signal(_ number: Int32, to exec: ExecID) async throws {
        _ = try await call(.signal(exec.wire, number), "the signal")
    }

    func growRootFilesystem() async throws -> Int {
        let reply = try await call(.growRootFilesystem, "growing the root filesystem", isAttended: false)
        do throws(ProtocolError) {
            var reader = ByteReader(reply)
            let size = try reader.read("size", as: UInt64.self)
            try reader.finish()
            return Int(clamping: size)
        } catch {
            throw VersError.protocolViolation(error)
        }
    }

    func powerOff() async throws {
        _ = try await call(.powerOff, "the power-off request")
    }
}
