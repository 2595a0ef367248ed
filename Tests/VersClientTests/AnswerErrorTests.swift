import Foundation
import Testing
import VersAPI

@testable import VersClient

@Suite struct AnswerErrorTests {
    @Test func theBodysCodeWins() {
        let body = Data(#"{"error":"it has children","success":false,"code":"has_children","hint":"use -r"}"#.utf8)
        let error = AnswerError.read(status: 409, body: body)
        #expect(error.code == .hasChildren)
        #expect(error.message == "it has children")
        #expect(error.hint == "use -r")
    }

    @Test func withoutACodeTheStatusDecides() {
        let error = AnswerError.read(status: 404, body: Data(#"{"error":"commit not found","success":false}"#.utf8))
        #expect(error.code == .notFound)
        #expect(error.message == "commit not found")
    }

    @Test func textIsShownAsItIs() {
        let error = AnswerError.read(status: 403, body: Data("403 Forbidden".utf8))
        #expect(error.code == .forbidden)
        #expect(error.message == "the server answered status 403: 403 Forbidden")
    }
}
