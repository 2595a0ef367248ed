import APITestSupport
import Foundation
import Synchronization
import Testing
import VersAPI
import VersServer

@testable import VersCommands

/// Tags, repositories, labels, variables and domains: whole commands against a real server.
@Suite struct NameCommandTests {
    private func withInstance(_ body: (TestContext, ServerFixture) async throws -> Void) async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            try await body(test, fixture)
        }
    }

    /// Words of a command (V and C stand for ids), the call that must have been made last, what stdout must contain.
    static let commands: [(String, String, String)] = [
        ("tag create t C -d d", "create tag t C d", "Tag 't' created: commit C"),
        ("tag create t images:v1", "create tag t C -", "commit C"),
        ("tag list", "tags", "TAG                 COMMIT"),
        ("tag list -q", "tags", "golden"),
        ("tag get golden", "tag golden", "Commit:  C"),
        ("tag get golden -q", "tag golden", "C"),
        ("tag update golden --commit C", "tag golden", "updated: commit C"),
        ("tag delete t", "delete tag t", "Tag 't' deleted"),
        ("repo create r -d d", "create repository r d", "Repository 'r' created ("),
        ("repo list", "repositories", "images                  public"),
        ("repo list --public -q", "public repositories", "acme/images"),
        ("repo get images", "tags of images", "Visibility: public"),
        ("repo get acme/images", "public tags acme/images", "Owner:      acme"),
        ("repo visibility images --public", "repository images", "is now public"),
        ("repo fork acme/images:v1 --repo-name mine", "fork acme/images:v1 mine -", "Reference: mine:v1"),
        ("repo fork acme/images:v1 -q", "fork acme/images:v1 - -", "V"),
        ("repo delete r", "delete repository r", "Repository 'r' deleted"),
        ("repo tag create images v2 C", "create tag images:v2 C", "Tag 'images:v2' created: commit C"),
        ("repo tag create images:v2 golden", "create tag images:v2 C", "commit C"),
        ("repo tag create --repo images v2 C", "create tag images:v2 C", "commit C"),
        ("repo tag list images -q", "tags of images", "v1"),
        ("repo tag list --repo images", "tags of images", "Repository: images"),
        ("repo tag list acme/images", "public tags acme/images", "Repository: acme/images"),
        ("repo tag get images v1", "tag images:v1", "Reference: images:v1"),
        ("repo tag get acme/images:v1 -q", "public tag acme/images:v1", "C"),
        ("repo tag update images v1 --clear-description", "tag images:v1", "Tag 'images:v1' updated"),
        ("repo tag delete images v1 v2", "delete tag images:v2", "Tag 'images:v1' deleted"),
        ("repo tag delete --repo images v1", "delete tag images:v1", "Tag 'images:v1' deleted"),
        ("env list", "variables", "B                   two words"),
        ("env list -q", "variables", "A\nB"),
        ("env set A 1", #"set variables ["A=1"] false"#, "Environment variable 'A' set"),
        ("env delete A", "delete variable A", "Environment variable 'A' deleted"),
        ("env rm A", "delete variable A", "deleted"),
        ("label replace V role=db", #"replace labels V ["role": "db"]"#, "Labels of VM"),
        ("label delete V role", "remove label V role", "Label 'role' deleted"),
        ("domain create app.example.com V", "create domain app.example.com V", "bound to VM 'V'"),
        ("domain list", "domains -", "app.example.com"),
        ("domain list V -q", "domains V", "D"),
        ("domain get app.example.com -q", "domains -", "V"),
        ("domain delete app.example.com", "delete domain D", "Domain 'app.example.com' deleted"),
    ]

    private func filled(_ text: String, _ fixture: ServerFixture) -> String {
        text.replacing(#/\bV\b/#, with: fixture.domain.machine.text)
            .replacing(#/\bC\b/#, with: fixture.domain.commit.text)
            .replacing(#/\bD\b/#, with: fixture.names.domain.text)
    }

    @Test func commandsReachTheServerAndSayWhatBecameOfIt() async throws {
        try await withInstance { first, fixture in
            for (words, call, output) in Self.commands {
                let test = try first.anew()
                let arguments = words.split(separator: " ").map { filled(String($0), fixture) }
                let status = await CommandLineProgram.run(arguments, context: test.context)
                #expect(status == 0, "\(words): \(test.errors.text)")
                #expect(fixture.names.recorded.last == filled(call, fixture), "\(words)")
                #expect(test.output.text.contains(filled(output, fixture)), "\(words): \(test.output.text)")
                #expect(test.errors.text.isEmpty, "\(words): \(test.errors.text)")
            }
        }
    }

    /// Words of a command, its exit status, what stderr must contain.
    static let refusals: [(String, Int32, String)] = [
        ("tag create -- -x C", 5, "invalid tag name '-x'"),
        ("tag create t none-such", 3, "commit 'none-such' not found"),
        ("tag create t images:v9", 3, "tag not found: 'images:v9'"),
        ("tag get none", 3, "tag not found: 'none'"),
        ("tag update golden", 5, "nothing to change"),
        ("tag update golden -d x --clear-description", 5, "exclude each other"),
        ("repo fork images:v1", 5, "expected org/repo:tag"),
        ("repo get a/b/c", 5, "expected name or org/name"),
        ("repo visibility images --public --private", 5, "exclude each other"),
        ("repo tag create images v1", 5, "no commit given"),
        ("repo tag create images", 5, "a word is missing"),
        ("repo tag update acme/images:v1 -d x", 5, "read only"),
        ("repo tag get images v1 more", 5, "unexpected 'more'"),
        ("env set 1A x", 5, "invalid variable name '1A'"),
        ("env set A", 5, "no value given for 'A'"),
        ("env set A x --stdin", 5, "both a value and --stdin"),
        ("env delete NONE", 3, "environment variable 'NONE' not deleted"),
        ("label set V", 5, "no label given"),
        ("label set V a/b=c", 5, "invalid label 'a/b=c'"),
        ("domain get nowhere.example", 3, "domain not found: 'nowhere.example'"),
        ("run-commit", 5, "no commit given"),
        ("run-commit C --ref images:v1", 5, "both a commit and --ref given"),
        ("run-commit --ref images", 5, "expected repo:tag or org/repo:tag"),
        ("run-commit images --ref", 5, "expected repo:tag or org/repo:tag"),
        ("branch V --ref images:v1", 5, "both a source and --ref given"),
        ("commit delete", 5, "no commit given"),
        ("commit edit C", 5, "nothing to change"),
        ("tmp --from none-such -- true", 3, "commit 'none-such' not found"),
    ]

    @Test func badInputIsRefusedAndSaysWhatWasExpected() async throws {
        try await withInstance { first, fixture in
            for (words, code, message) in Self.refusals {
                let test = try first.anew()
                let arguments = words.split(separator: " ").map { filled(String($0), fixture) }
                let status = await CommandLineProgram.run(arguments, context: test.context)
                #expect(status == code, "\(words): \(status) \(test.errors.text)")
                #expect(test.errors.text.contains(message), "\(words): \(test.errors.text)")
                #expect(test.output.text.isEmpty, "\(words): \(test.output.text)")
            }
        }
    }

    @Test(
        arguments: [
            (["run-commit", "golden"], "create from C"), (["run-commit", "--ref", "acme/images:v1"], "create from C"),
            (["branch", "images:v1", "-q"], "branch commit(C) 1 false false"),
            (["run-commit", "images:v1", "--ref", "-N", "dev"], "create from C"),
            (["branch", "--ref", "images:v1"], "branch commit(C) 1 false false"),
            (["branch", "images:v1", "--ref"], "branch commit(C) 1 false false"),
            (["commit", "history", "golden"], "history C"),
            (["commit", "publish", "--ref", "images:v1"], "edit C true"),
            (["commit", "delete", "golden"], "delete commit C"),
            (["commit", "delete", "--ref", "images:v1"], "delete commit C"),
            (["commit", "edit", "golden", "-n", "x"], "edit C false"),
            (["commit", "edit", "golden", "--public"], "edit C true"),
        ]
    )
    func tagsStandForTheirCommitWhereverOneIsNamed(_ arguments: [String], _ call: String) async throws {
        try await withInstance { test, fixture in
            #expect(await CommandLineProgram.run(arguments, context: test.context) == 0, "\(test.errors.text)")
            let expected = call.replacing("C", with: fixture.domain.commit.text)
            let recorded = fixture.domain.recorded.map { call in
                call.replacing(#/ID\(text: "([^"]*)"\)/#) { "(\($0.output.1))" }
            }
            #expect(recorded.contains(expected), "\(recorded)")
        }
    }

    @Test func anAliasWinsOverATag() async throws {
        try await withInstance { test, fixture in
            try AliasFile(test.context).set("golden", to: fixture.domain.machine)
            #expect(await test.run("branch", "golden") == 0)
            #expect(fixture.names.recorded.isEmpty)
        }
    }

    @Test func severalAreDeletedAsFarAsItGoes() async throws {
        try await withInstance { test, fixture in
            fixture.names.fail(with: [VersError(.notFound, "tag not found: 'a'", hint: "see x")])
            #expect(await test.run("tag", "delete", "a", "b", "--format", "json") == 3)
            #expect(fixture.names.recorded == ["delete tag a", "delete tag b"])
            let result = try #require(
                try JSONSerialization.jsonObject(with: Data(test.output.text.utf8)) as? [String: Any]
            )
            #expect(result["deleted"] as? [String] == ["b"])
            #expect(test.errors.text.contains("tag 'a' not deleted") && test.errors.text.contains("hint: see x"))
        }
    }

    @Test func aSecretIsReadFromStdinAndNotRepeated() async throws {
        try await withInstance { test, fixture in
            let lines = LineSource(["se cret", "second"])
            var context = test.context
            context.readLine = { lines.next() }
            #expect(await CommandLineProgram.run(["env", "set", "A", "--stdin"], context: context) == 0)
            #expect(fixture.names.recorded.last == "set variables [\"A=se cret\\nsecond\"] false")
            #expect(!test.output.text.contains("cret") && !test.errors.text.contains("cret"))
        }
    }

    @Test func listIsStatus() async throws {
        try await withInstance { test, fixture in
            #expect(await test.run("list", "-q") == 0)
            #expect(test.output.text == "\(fixture.domain.machine)\n")
        }
    }

    @Test func labelWords() throws {
        #expect(try LabelWords(parsing: ["a=1", "b=2=3", "c="]).labels == ["a": "1", "b": "2=3", "c": ""])
        let named = try LabelWords(parsing: ["web", "a=1"])
        #expect(named.vm == "web" && named.labels == ["a": "1"])
    }
}

/// Lines that are read one after the other.
private final class LineSource: Sendable {
    private let lines: Mutex<[String]>

    init(_ lines: [String]) { self.lines = Mutex(lines) }

    func next() -> String? { lines.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}
