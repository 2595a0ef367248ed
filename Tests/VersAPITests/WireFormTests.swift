import Foundation
import Testing
import VersAPI

@Suite struct WireFormTests {
    @Test func optionalFieldsOfListedObjectsAreNull() throws {
        let info = CommitInfo(
            commit_id: CommitID(),
            owner_id: KeyID(),
            name: "a",
            is_public: true,
            created_at: Date(timeIntervalSince1970: 0),
            description: nil,
            parent_vm_id: nil,
            grandparent_commit_id: nil
        )
        let text = String(decoding: try JSONCoding.encode(info), as: UTF8.self)
        for field in ["description", "parent_vm_id", "grandparent_commit_id"] {
            #expect(text.contains("\"\(field)\":null"))
        }
        #expect(try JSONCoding.decode(CommitInfo.self, from: Data(text.utf8)) == info)
    }

    @Test func chunkHasTheFieldsOfBothGenerations() throws {
        let id = ExecID()
        let event = ExecEvent.chunk(
            stream: .stdout,
            data: Array("a b\n".utf8),
            cursor: 1,
            execID: id,
            timestamp: "2026-05-01T10:00:00.000000Z"
        )
        let text = String(decoding: try JSONCoding.encode(event), as: UTF8.self)
        #expect(
            text == #"{"cursor":1,"data_b64":"YSBiCg==","exec_id":"\#(id)","stream":"stdout","#
                + #""timestamp":"2026-05-01T10:00:00.000000Z","type":"chunk"}"#
        )
        #expect(try JSONCoding.decode(ExecEvent.self, from: Data(text.utf8)) == event)
    }

    @Test(arguments: [
        ExecEvent.exit(code: -9, cursor: 7, execID: ExecID()),
        .error(code: .timedOut, message: "the command was stopped after 1 s"),
        .chunk(stream: .stderr, data: [0, 255, 10], cursor: .max, execID: ExecID(), timestamp: ""),
    ])
    func eventsSurviveTheLineForm(event: ExecEvent) throws {
        #expect(try JSONCoding.decode(ExecEvent.self, from: try JSONCoding.encode(event)) == event)
    }

    @Test(arguments: [
        #"{"type":"chunk","stream":"stdout","data_b64":"*","cursor":1,"exec_id":"\#(ExecID())"}"#,
        #"{"type":"exit","cursor":1}"#, #"{"cursor":1}"#,
    ])
    func refusesBrokenEvents(line: String) {
        #expect(throws: DecodingError.self) { try JSONCoding.decode(ExecEvent.self, from: Data(line.utf8)) }
    }

    @Test func identifiersAreLowerCaseUUIDsOnly() {
        #expect(MachineID("5E0A1234-1111-4222-8333-444455556666")?.text == "5e0a1234-1111-4222-8333-444455556666")
        for text in ["", "5e0a", "5e0a1234111142228333444455556666", "{5e0a1234-1111-4222-8333-44445555666}"] {
            #expect(MachineID(text) == nil)
        }
    }

    @Test func unknownStateNamesTheChoices() throws {
        let error = #expect(throws: DecodingError.self) {
            try JSONCoding.decode(StateRequest.self, from: Data(#"{"state":"running"}"#.utf8))
        }
        guard case .dataCorrupted(let context) = try #require(error) else {
            Issue.record("unexpected error \(String(describing: error))")
            return
        }
        #expect(context.debugDescription.contains("Running, Paused, Sleeping, Stopped"))
    }
}
