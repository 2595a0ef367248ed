import Testing

@testable import QMP

@Suite("the monitor protocol's state")
struct QMPSessionTests {
    private let version = QEMUVersion(major: 7, minor: 2, micro: 22)

    private func ready() -> QMPSession {
        var session = QMPSession()
        #expect(
            session.receive(.greeting(version: version, queuesCommands: true)) == [
                .negotiate(id: 1, queuesCommands: true)
            ]
        )
        #expect(session.receive(.success(id: 1, line: [])) == [.becomeReady(version)])
        return session
    }

    private func submit(_ command: String, to session: inout QMPSession) -> UInt64 {
        let id = session.submit(command: command)
        #expect(id != nil)
        return id ?? 0
    }

    @Test("nothing can be sent before the negotiation is done")
    func notReady() {
        var session = QMPSession()
        #expect(session.submit(command: "stop") == nil)
        _ = session.receive(.greeting(version: version, queuesCommands: true))
        #expect(session.submit(command: "stop") == nil)
    }

    @Test("answers find their commands in any order")
    func order() {
        var session = ready()
        let first = submit("stop", to: &session)
        let second = submit("cont", to: &session)
        #expect(session.receive(.success(id: second, line: [2])) == [.complete(id: second, line: [2])])
        #expect(
            session.receive(.failure(id: first, errorClass: "GenericError", message: "no"))
                == [.fail(id: first, .refused(command: "stop", errorClass: "GenericError", message: "no"))]
        )
    }

    @Test("an answer nobody waits for is ignored")
    func abandoned() {
        var session = ready()
        let id = submit("stop", to: &session)
        session.abandon(id: id)
        #expect(session.receive(.success(id: id, line: [])) == [])
        #expect(session.receive(.success(id: 99, line: [])) == [])
    }

    @Test("a lost connection fails everything pending, once")
    func lost() {
        var session = ready()
        let id = submit("stop", to: &session)
        let reason = QMPError.disconnected(command: "monitor")
        #expect(session.close(reason) == [.fail(id: id, .disconnected(command: "stop")), .close(reason)])
        #expect(session.close(reason) == [])
        #expect(session.submit(command: "cont") == nil)
        #expect(session.receive(.event(QMPEvent(name: "STOP", data: .null))) == [])
    }

    @Test("a second greeting, or an error that belongs to no command, ends the connection")
    func protocolViolations() {
        var session = ready()
        guard case .close = session.receive(.greeting(version: version, queuesCommands: true)).last else {
            Issue.record("a second greeting was accepted")
            return
        }
        session = ready()
        let actions = session.receive(.failure(id: nil, errorClass: "GenericError", message: "JSON parse error"))
        guard case .close = actions.last else {
            Issue.record("an error without an id was accepted")
            return
        }
    }

    @Test("messages are told apart, and everything else is malformed")
    func messages() throws {
        let event = try QMPMessage(
            line: Array(#"{"event":"STOP","data":{"a":[1,null]},"timestamp":{"seconds":1,"microseconds":2}}"#.utf8)
        )
        #expect(
            event
                == .event(
                    QMPEvent(
                        name: "STOP",
                        data: .object(["a": .array([.integer(1), .null])]),
                        timestamp: .init(seconds: 1, microseconds: 2)
                    )
                )
        )
        let answer = Array(#"{"return":{},"id":4}"#.utf8)
        #expect(try QMPMessage(line: answer) == .success(id: 4, line: answer))
        for line in ["", "x", "[]", "{}", #"{"return":1}"#, #"{"id":-1,"return":1}"#, #"{"event":7}"#, "{\u{0}}"] {
            #expect(throws: QMPError.self) { try QMPMessage(line: Array(line.utf8)) }
        }
    }
}
