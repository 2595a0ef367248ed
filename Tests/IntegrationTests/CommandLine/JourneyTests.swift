import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// The commands as a person types them.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Journeys {
        private let instance: Instance

        init() throws { instance = try Instance.current }

        @Test func `a project: init, run, branch, checkout, commit, run-commit, kill`() async throws {
            try await instance.ok("init --mem-size 128 --rootfs tiny")
            #expect(FileManager.default.fileExists(atPath: instance.work.appending("vers.toml").string))
            let root = try await instance.ok("run -N root -q").text
            #expect(MachineID(root) != nil)
            #expect(try await instance.ok("head").text == root)
            #expect(try await instance.ok("alias root").text == root)

            let child = try await instance.ok("branch -n child -q").text
            #expect(try await instance.ok("head").text == root)
            let other = try await instance.ok("branch root -n other -c -q").text
            #expect(try await instance.ok("head").text == other)
            try await instance.ok("checkout child")
            #expect(try await instance.ok("head").text == child)
            #expect(try await instance.ok("exec -- echo here").text == "here")

            let commit = try await instance.ok("commit -n golden -q").text
            #expect(CommitID(commit) != nil)
            #expect(try await instance.ok("commit list -q").lines == [commit])
            let copy = try await instance.ok("run-commit \(commit.prefix(8)) -N copy -q").text
            #expect(try await instance.ok("head").text == copy)
            #expect(try await instance.vers(["commit", "delete", commit]).status == 4)
            #expect(try await instance.ok("commit history \(commit) -q").lines.first == commit)

            let ids = try await instance.ok("status -q").lines
            #expect(Set(ids) == [root, child, other, copy])
            let tree = try await instance.ok("tree").stdout
            for name in ["root", "child", "other", "copy", String(commit.prefix(8))] {
                #expect(tree.contains(name), "\(tree)")
            }
            #expect(!tree.contains("\u{1B}"))

            let refused = try await instance.vers(["kill", "-y", "root"])
            #expect(refused.status == 4)
            for id in [child, other] { #expect(refused.stderr.contains(id)) }
            #expect(refused.stderr.contains("hint:"))
            try await instance.ok("kill -y copy")
            try await instance.ok("kill -r -y root")
            #expect(try await instance.ok("status -q").lines == [])
            #expect(try await instance.vers(["head"]).status != 0)
            #expect(try await instance.vers(["alias", "root"]).status == 3)
            try await instance.ok("commit delete \(commit)")
        }

        @Test func `states by their commands`() async throws {
            try await instance.ok("run --rootfs tiny --mem-size 128 -N s")
            for (command, state) in [
                ("pause", "paused"), ("resume", "running"), ("stop", "stopped"), ("start", "running"),
            ] {
                try await instance.ok("\(command) s")
                let info = try await instance.ok("info s --format json").json(MachineMetadata.self)
                #expect(info.state.rawValue == state)
            }
            try await instance.ok("pause s")
            let refused = try await instance.vers(["exec", "s", "--", "true"])
            #expect(refused.status == 4)
            #expect(refused.stderr.contains("hint:"))
            try await instance.ok("kill -y s")
        }

        @Test func `json is what the API says`() async throws {
            let root = try await instance.ok("run --rootfs tiny --mem-size 128 -N j -q").text
            let child = try await instance.ok("branch j -q").text
            let list = try await instance.ok("status --format json").json([MachineSummary].self)
            #expect(Set(list.map(\.vm_id.text)) == [root, child])
            #expect(list.first { $0.vm_id.text == child }?.parent_vm_id?.text == root)
            let info = try await instance.ok("info j --format json").json(MachineMetadata.self)
            #expect(info.vm_id.text == root)
            #expect(info.mem_size_mib == 128)
            #expect(info.image_name == "tiny")
            #expect(info.hostname.hasPrefix(root))
            #expect(["tcg", "kvm"].contains(info.accelerator))
            let text = try await instance.ok("info j").stdout
            for part in [root, "running", "128", "10.0.2.15"] { #expect(text.contains(part), "\(text)") }
            _ = try await instance.ok("tree --format json").json(AnyJSON.self)
            try await instance.ok("kill -r -y j")
        }

        @Test func `exit codes tell what went wrong`() async throws {
            let cases: [([String], Int32)] = [
                (["info", "nobody-has-this-name"], 3), (["exec", MachineID().text, "--", "true"], 3),
                (["run-commit", CommitID().text], 3), (["run", "--rootfs", "no-such-image"], 3),
                (["run", "--rootfs", "tiny", "--mem-size", "-1"], 5), (["run", "--mem-size", "lots"], 5),
                (["branch", "--count", "0"], 5), (["no-such-command"], 5), (["info", "--no-such-option"], 5),
            ]
            for (arguments, status) in cases {
                let result = try await instance.vers(arguments)
                #expect(result.status == status, "\(arguments): \(result)")
                #expect(result.stdout == "", "\(arguments)")
                #expect(result.stderr.lowercased().contains("error:"), "\(arguments): \(result)")
            }
            let wrongKey = ["VERS_URL": try instance.url, "VERS_API_KEY": String(repeating: "0", count: 100)]
            #expect(try await instance.vers(["status"], environment: wrongKey).status == 2)
        }

        @Test func `prefixes name VMs as long as they fit one only`() async throws {
            let id = try await instance.ok("run --rootfs tiny --mem-size 128 -q").text
            #expect(try await instance.ok("exec \(id.prefix(6)) -- echo found").text == "found")
            #expect(try await instance.vers(["info", String(id.prefix(2))]).status != 0)
            try await instance.ok("kill -y \(id.prefix(6))")
        }

        @Test func `several VMs at once, and every failure is reported`() async throws {
            let root = try await instance.ok("run --rootfs tiny --mem-size 128 -N many -q").text
            let children = try await instance.ok("branch many --count 3 -q").lines
            #expect(children.count == 3)
            let result = try await instance.vers(["kill", "-y", "nobody", children[0], children[1]])
            #expect(result.status == 3)
            #expect(result.stderr.contains("nobody"))
            #expect(Set(try await instance.ok("status -q").lines) == [root, children[2]])
            try await instance.ok("kill -r -y many")
        }
    }
}

/// Any JSON at all.
private struct AnyJSON: Decodable {
    init(from decoder: any Decoder) throws {
        if (try? decoder.container(keyedBy: Key.self)) != nil { return }
        _ = try decoder.unkeyedContainer()
    }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int?
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
