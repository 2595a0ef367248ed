import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    @Suite(.needs(image: "tiny"), .serialized) struct Instances {
        @Test func `two instances on one machine do not disturb each other`() async throws {
            try await Instance.run { first in
                try await Instance.run { second in
                    let here = try await first.client().newTiny()
                    let there = try await second.client().newTiny()
                    #expect(try await first.ok("status -q").lines == [here.text])
                    #expect(try await second.ok("status -q").lines == [there.text])
                    #expect(try await second.vers(["info", here.text]).status == 3)
                    try await first.restartDaemon(SIGKILL)
                    #expect(try await second.client().sh(there, "echo undisturbed") == "undisturbed")
                    #expect(try await first.client().sh(here, "echo taken over") == "taken over")
                    // The key of one is worth nothing at the other.
                    let foreign = ["VERS_URL": try second.url, "VERS_API_KEY": try first.key]
                    #expect(try await first.vers(["status"], environment: foreign).status == 2)
                }
            }
        }

        @Test func `vers starts the daemon when there is none, says so, and starts no second`() async throws {
            try await Instance.run(startsDaemon: false) { instance in
                let off = try await instance.vers(["status"], environment: ["VERS_AUTOSTART": "0"])
                #expect(off.status == 1)
                #expect(off.stderr.contains("vers up"))
                let first = try await instance.ok("status")
                #expect(first.stderr.contains("starting versd"))
                let pid = try instance.describedDaemonPID()
                let second = try await instance.ok("status")
                #expect(second.stderr.isEmpty)
                #expect(try instance.describedDaemonPID() == pid)
                #expect(try await instance.ok("up").status == 0)
                #expect(try instance.describedDaemonPID() == pid)
                try await instance.ok("down")
                try await eventually("the daemon to be gone") { kill(pid, 0) != 0 }
                #expect(!FileManager.default.fileExists(atPath: instance.home.appending("daemon.json").string))
            }
        }

        @Test func `a daemon that vers starts has the options of its home's file`() async throws {
            try await Instance.run(startsDaemon: false) { instance in
                let file = instance.home.appending("versd.conf")
                try "# ours\ndomain = vms.example.test\n\n front-door=off\n"
                    .write(toFile: file.string, atomically: true, encoding: .utf8)
                let id = try await instance.ok("run --rootfs tiny --mem-size 128 -q").text
                #expect(try await instance.ok("info \(id)").stdout.contains("\(id).vm.vms.example.test"))
                try await instance.ok("down")
                for line in ["domain", "home = /tmp", "--domain = x", "no-such-option = 1", "domain = not_a_name"] {
                    try line.write(toFile: file.string, atomically: true, encoding: .utf8)
                    let refused = try await instance.vers(["up"])
                    #expect(refused.status != 0 && refused.stderr.contains(line.contains("=") ? "error" : "line 1"))
                }
                try FileManager.default.removeItem(atPath: file.string)
                try await instance.ok("kill -y \(id)")
                try await instance.ok("down")
            }
        }

        @Test func `down leaves VMs running, up takes them over`() async throws {
            try await Instance.run(startsDaemon: false) { instance in
                let id = try await instance.ok("run --rootfs tiny --mem-size 128 -N kept -q").text
                try await instance.ok(
                    "exec kept --",
                    "sh",
                    "-c",
                    "(i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done) </dev/null >/dev/null 2>&1 &"
                )
                try await instance.ok("down")
                let process = try instance.hypervisorPID(of: id)
                try await instance.ok("up")
                #expect(try instance.hypervisorPID(of: id) == process)
                #expect(try await instance.ok("status -q").lines == [id])
                let count = try #require(Int(try await instance.ok("exec kept -- cat /tmp/n").text))
                #expect(count > 1)
                try await instance.ok("kill -y kept")
                try await instance.ok("down")
            }
        }

        @Test func `a second daemon for the same home is refused`() async throws {
            try await Instance.run { instance in
                let second = try RunningProgram(
                    TestEnvironment.binaries.appending("versd"),
                    ["--home", instance.home.string],
                    environment: instance.environment,
                    directory: "/tmp"
                )
                defer { second.forget() }
                let result = try await second.result(within: .seconds(30))
                #expect(result.status == 4)
                #expect(result.stderr.contains("another versd serves"))
                #expect(try await instance.client().machines().isEmpty)
            }
        }

        @Test func `a daemon whose address is taken says that, and nothing else of its end`() async throws {
            try await Instance.run { instance in
                let address = try #require(URL(string: try instance.url))
                let place = "\(try #require(address.host())):\(try #require(address.port))"
                let second = try RunningProgram(
                    TestEnvironment.binaries.appending("versd"),
                    ["--home", instance.work.appending("second").string, "--listen", place, "--machine-users", "off"],
                    environment: instance.environment,
                    directory: "/tmp"
                )
                defer { second.forget() }
                let result = try await second.result(within: .seconds(60))
                #expect(result.status == 1)
                let lines = result.stderr.split(separator: "\n")
                #expect(lines.dropLast().last == "error: cannot listen on \(place)", "\(result)")
                #expect(!lines.contains { $0.contains(" error ") || $0.contains("CancellationError") }, "\(result)")
            }
        }

        @Test func `a home that no socket fits in is refused before anything is made`() async throws {
            try await Instance.run(startsDaemon: false) { instance in
                let home = instance.home.appending(String(repeating: "d", count: 100)).appending("home")
                let program = try RunningProgram(
                    TestEnvironment.binaries.appending("versd"),
                    ["--home", home.string],
                    environment: instance.environment,
                    directory: "/tmp"
                )
                defer { program.forget() }
                let result = try await program.result(within: .seconds(30))
                #expect(result.status == 5)
                #expect(result.stderr.contains("may have 107"))
                #expect(!FileManager.default.fileExists(atPath: home.string))
            }
        }

        @Test func `a VM whose process went while no daemon ran is stopped, and starts from its disk`() async throws {
            try await Instance.run { instance in
                let client = try instance.client()
                let machine = try await client.newTiny()
                try await client.sh(machine, "echo kept >/root/kept; sync")
                try await instance.endDaemon()
                let pid = try instance.hypervisorPID(of: machine.text)
                kill(pid, SIGKILL)
                try await eventually("the process to be gone") { instance.machinesWithProcess().isEmpty }
                try await instance.startDaemon()
                let again = try instance.client()
                #expect(try await again.state(of: machine) == .stopped)
                #expect(try await again.machine(machine).state_reason != nil)
                try await again.setState(of: machine, to: .running)
                #expect(try await again.sh(machine, "cat /root/kept") == "kept")
            }
        }

        @Test func `secrets are for the owner's eyes only`() async throws {
            try await Instance.run { instance in
                for name in ["owner.key", "vers.sqlite", "versd.sock"] {
                    let path = instance.home.appending(name).string
                    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                    #expect((mode ?? 0o777) & 0o077 == 0, "\(name) has mode \(String(mode ?? 0, radix: 8))")
                }
                _ = try await instance.client().newTiny()
                let log =
                    FileManager.default.contents(atPath: instance.root.appending("daemon/stderr").string) ?? Data()
                let text = String(decoding: log, as: UTF8.self)
                #expect(!text.contains(try instance.key.suffix(64)))
                #expect(!text.contains("PRIVATE KEY"))
            }
        }
    }
}

extension Instance {
    private struct Description: Decodable {
        var pid: Int32
        var url: String
    }

    private var description: Description {
        get throws {
            let data = try Data(contentsOf: URL(filePath: home.appending("daemon.json").string))
            return try JSONDecoder().decode(Description.self, from: data)
        }
    }

    func describedDaemonPID() throws -> Int32 { try description.pid }

    /// Where the API is, as the daemon says.
    var url: String { get throws { try description.url } }
}
