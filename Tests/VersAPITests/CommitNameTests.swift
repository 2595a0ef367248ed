import Foundation
import Testing
import VersAPI

struct CommitNameTests {
    @Test func `a commit is named by id, tag or reference`() throws {
        let id = CommitID()
        #expect(CommitName(id.text.uppercased()) == .id(id))
        #expect(CommitName("golden.v1_2-3") == .tag("golden.v1_2-3"))
        #expect(CommitName("repo:tag") == .reference(TagReference(repository: "repo", tag: "tag")))
        let full = TagReference(organisation: "org", repository: "repo", tag: "tag")
        #expect(CommitName("org/repo:tag") == .reference(full))
        for name in [id.text, "golden", "repo:tag", "org/repo:tag"] { #expect(CommitName(name)?.description == name) }
    }

    @Test(
        arguments: [
            "", ":", "a:", ":b", "a:b:c", "/a:b", "a/:b", "a/b/c:d", "a/b", "-a", "a b", "a:b c", "../a:b",
            String(repeating: "x", count: 65), "\(CommitID()):b", "a:\(CommitID())",
        ]
    )
    func `what names nothing`(text: String) { #expect(CommitName(text) == nil) }

    @Test func `an edit tells absent, null and a value apart`() throws {
        for (json, expected) in [
            ("{}", FieldEdit<String>.keep), (#"{"description":null}"#, .clear), (#"{"description":"d"}"#, .set("d")),
        ] {
            let request = try JSONCoding.decode(TagEditRequest.self, from: Data(json.utf8))
            #expect(request.description == expected)
            #expect(try String(decoding: JSONCoding.encode(request), as: UTF8.self) == json)
        }
    }
}
