import GuestProtocol
import Testing

@testable import GuestAgent

@Suite struct WorkloadTests {
    private static let passwd = """
        root:x:0:0:root:/root:/bin/sh
        app:x:1000:1001:App:/home/app:/bin/sh
        1234:x:55:66::/odd:/bin/sh
        broken:x:a:b
        """
    private static let group = "root:x:0:\napp:x:1001:\naudio:x:29:app,other\nvideo:x:44:other\nwide:x:77:apple\n"

    private func user(_ text: String) throws -> WorkloadUser {
        try WorkloadUser(text, passwd: Self.passwd, group: Self.group)
    }

    @Test func usersAreLookedUpInTheImage() throws {
        #expect(try user("") == (try user("root")))
        #expect(try user("app").uid == 1000 && user("app").gid == 1001 && user("app").home == "/home/app")
        #expect(try user("app").groups == [1001, 29])
        #expect(try user("1000") == (try user("app")))
        #expect(try user("1234").uid == 55)
        #expect(try user("4711").uid == 4711 && user("4711").gid == 0 && user("4711").home == "/")
    }

    @Test func aGroupReplacesTheGroups() throws {
        #expect(try user("app:video").gid == 44 && user("app:video").groups == [44])
        #expect(try user("app:9").groups == [9] && user(":9").uid == 0)
        #expect(try WorkloadUser("", passwd: "", group: "").home == "/root")
    }

    @Test(arguments: ["nobody", "app:nogroup", "-1", "4294967295", "99999999999", "broken"])
    func whatIsNotThereIsNamed(text: String) {
        #expect(throws: Failure.self) { try user(text) }
    }

    @Test func aWorkloadIsReadAsItWasWritten() throws {
        let workload = Workload(
            initPath: "",
            arguments: ["/bin/sh", "-c", "a\nb"],
            environment: [EnvironmentVariable(name: "A", value: "=b")],
            directory: "/srv",
            user: "app",
            stopSignal: 2
        )
        #expect(try Workload(decoding: workload.encoded()) == workload && workload.fits)
        for length in workload.encoded().indices {
            #expect(throws: ProtocolError.self) { try Workload(decoding: Array(workload.encoded().prefix(length))) }
        }
    }

    @Test func theImagesVariablesLieUnderTheFileAndTheRequest() {
        let merged = Environment.merged(
            request: [EnvironmentVariable(name: "C", value: "request")],
            identity: [],
            image: ["PATH", "C"].map { EnvironmentVariable(name: $0, value: "image") },
            hasTerminal: false
        )
        #expect(merged["PATH"] == "image" && merged["C"] == "request" && merged["HOME"] == "/root")
    }
}
