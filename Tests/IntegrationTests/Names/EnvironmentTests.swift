import Foundation
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What guests are told, and what is told about them.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Environment {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        private static let file = "cat /etc/environment 2>/dev/null || true"

        @Test func `variables reach a new VM, a branch, a woken and a started one, and leave them again`() async throws
        {
            try await instance.ok("env set GREETING", "two words")
            let root = try await client.newTiny()
            #expect(try await client.sh(root, "echo $GREETING") == "two words")
            #expect(try await client.sh(root, Self.file).contains("GREETING=\"two words\""))
            try await client.sh(root, "echo OWN=mine >>/etc/environment")

            // A VM that runs keeps what it has; whatever starts from now on does not.
            try await instance.ok("env set GREETING changed")
            try await instance.ok("env set SECOND", "a\"b #c")
            #expect(try await client.sh(root, "echo $GREETING") == "two words")
            let child = try await client.branch(root)[0]
            let commit = try await client.commit(root)
            let copy = try await client.createMachine(from: commit)
            for machine in [child, copy] {
                #expect(try await client.sh(machine, "echo $GREETING/$SECOND/$OWN") == "changed/a\"b #c/mine")
            }
            for state in [RequestedState.sleeping, .running] { try await client.setState(of: root, to: state) }
            #expect(try await client.sh(root, "echo $GREETING") == "changed")

            try await client.setEnvironmentVariables([:], replace: true)
            for state in [RequestedState.stopped, .running] { try await client.setState(of: root, to: state) }
            for state in [RequestedState.paused, .running] { try await client.setState(of: child, to: state) }
            for machine in [root, child] {
                #expect(try await client.sh(machine, "echo $GREETING/$SECOND/$OWN") == "//mine")
                #expect(try await client.sh(machine, Self.file) == "OWN=mine")
            }
            for machine in [copy, child, root] { try await client.deleteMachine(machine) }
            try await client.deleteCommit(commit)
        }

        @Test func `labels and domains of a VM, by their commands`() async throws {
            let id = try await instance.ok("run --rootfs tiny --mem-size 128 -N web -q").text
            try await instance.ok("label set web role=db tier=1")
            try await instance.ok("label delete web tier")
            #expect(try await instance.ok("label list web").text == "role=db")
            try await instance.ok("domain create app.example.com web")
            #expect(try await instance.ok("domain get APP.example.com -q").text == id)
            #expect(try await instance.vers(["domain", "create", "app.example.com", "web"]).status == 4)
            #expect(try await instance.vers(["domain", "create", "10.0.0.1", "web"]).status == 5)
            try await instance.ok("kill -y web")
            #expect(try await instance.ok("domain list -q").lines == [])
        }

        @Test func `a temporary VM goes with its command`() async throws {
            let result = try await instance.vers(
                ["tmp", "--rootfs", "tiny", "--mem-size", "128", "--", "echo out; exit 3"]
            )
            #expect(result.status == 3)
            #expect(result.text == "out")
            let piped = try await instance.vers(
                ["tmp", "--rootfs", "tiny", "--mem-size", "128", "-i", "--", "wc", "-c"],
                stdin: "12345"
            )
            #expect(piped.text == "5")
            #expect(try await client.machines().isEmpty)
        }

        @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
        func `a temporary VM goes when its user is ended`(signal: Int32) async throws {
            let program = try instance.startVers(
                ["tmp", "--rootfs", "tiny", "--mem-size", "128", "--", "touch /tmp/started; sleep 1000"]
            )
            defer { program.forget() }
            try await eventually("a temporary VM with its command") {
                let machine = try await client.machines().first { $0.labels?["vers-tmp"] != nil }
                guard let machine, machine.state == .running else { return false }
                return try await client.sh(machine.vm_id, "ls /tmp/started 2>/dev/null || true") != ""
            }
            program.signal(signal)
            let status = try await program.result(within: .seconds(60)).status
            #expect(status == (signal == SIGTERM ? 7 : 128 + signal))
            try await eventually("the VM to be gone") { try await client.machines().isEmpty }
            // Processes that wait for the next VM are there all the time.
            try await eventually("the guard to be gone") {
                Leftovers.processes(below: instance.root).allSatisfy { $0.directory.contains("/standby/") }
            }
        }
    }
}
