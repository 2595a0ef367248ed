import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// Tags, repositories and forks on real VMs.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Names {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `a tag and a reference stand for their commit, and keep it`() async throws {
            try await instance.ok("run --rootfs tiny --mem-size 128 -N root")
            try await instance.ok("exec root -- sh -c", "echo golden >/root/state")
            let commit = try await instance.ok("commit root -q").text
            try await instance.ok("tag create golden \(commit) -d first")
            try await instance.ok("repo create images")
            try await instance.ok("repo tag create images v1 golden")
            try await instance.ok("kill -y root")

            for source in ["golden", "images:v1", "--ref images:v1", "owner/images:v1"] {
                let id = try await instance.ok("run-commit \(source) -q").text
                #expect(try await instance.ok("exec \(id) -- cat /root/state").text == "golden")
                try await instance.ok("kill -y \(id)")
            }
            let children = try await instance.ok("branch golden --count 2 -q").lines
            #expect(children.count == 2)
            #expect(try await instance.ok("commit history images:v1 -q").lines.first == commit)

            let used = try await instance.vers(["commit", "delete", "golden"])
            #expect(used.status == 4)
            for child in children {
                #expect(used.stderr.contains(child))
                try await instance.ok("kill -y \(child)")
            }
            let named = try await instance.vers(["commit", "delete", commit])
            #expect(named.status == 4)
            #expect(named.stderr.contains("golden") && named.stderr.contains("images:v1"))
            try await instance.ok("tag delete golden")
            try await instance.ok("repo delete images")
            #expect(try await instance.ok("commit list -q").lines == [commit])
            try await instance.ok("commit delete \(commit)")
        }

        @Test func `a fork runs, and needs nothing of its source`() async throws {
            let source = try await publish("base")
            let forked = try await instance.ok("repo fork owner/base:v1 --repo-name mine --format json")
                .json(ForkResponse.self)
            #expect(try await client.sh(forked.vm_id, "cat /root/state") == "published")
            try await client.deleteRepository("base")
            try await client.deleteCommit(source)
            try await client.deleteMachine(forked.vm_id)
            let again = try await client.createMachine(from: .reference(TagReference(repository: "mine", tag: "v1")))
            #expect(try await client.sh(again, "cat /root/state") == "published")
            try await client.deleteMachine(again)
            try await client.deleteRepository("mine")
            try await client.deleteCommit(forked.commit_id)
            #expect(Leftovers.names(in: instance.home.appending("commits")).filter { $0 == source.text }.isEmpty)
        }

        @Test(arguments: ["fork.commit-sealed", "fork.machine-started", "fork.recorded"])
        func `a daemon that is killed inside a fork leaves all of it or nothing`(step: String) async throws {
            let source = try await publish("base")
            try await instance.endDaemon()
            try await instance.startDaemon(fault: step)
            let request = ForkRequest(source_org: "owner", source_repo: "base", source_tag: "v1", repo_name: "mine")
            await #expect(throws: (any Error).self) { _ = try await instance.client().fork(request) }
            #expect(try await instance.daemonEnd().status == 128 + SIGKILL)

            try await instance.startDaemon()
            let client = try instance.client()
            let machines = try await client.machines()
            let isRecorded = step == "fork.recorded"
            #expect(machines.count == (isRecorded ? 1 : 0))
            #expect(try await client.repositories().map(\.name) == (isRecorded ? ["base", "mine"] : ["base"]))
            #expect(try await client.commits().total == (isRecorded ? 2 : 1))
            #expect(Set(Leftovers.names(in: instance.home.appending("vms"))) == Set(machines.map(\.vm_id.text)))
            let directories = Set(Leftovers.names(in: instance.home.appending("commits")))
            #expect(directories.isSubset(of: try instance.knownCommits()))
            if !isRecorded { _ = try await client.fork(request) }
            for machine in try await client.machines() {
                #expect(try await client.sh(machine.vm_id, "cat /root/state") == "published")
                try await client.deleteMachine(machine.vm_id)
            }
            let fork = try await client.tag("v1", ofRepository: "mine").commit_id
            for name in ["base", "mine"] { try await client.deleteRepository(name) }
            for commit in [source, fork] { try await client.deleteCommit(commit) }
        }

        /// A public repository whose tag `v1` names the commit of a VM that is gone.
        private func publish(_ name: String) async throws -> CommitID {
            let client = try instance.client()
            let machine = try await client.newTiny()
            try await client.sh(machine, "echo published >/root/state")
            let commit = try await client.commit(machine)
            try await client.deleteMachine(machine)
            _ = try await client.createRepository(RepositoryCreateRequest(name: name))
            _ = try await client.createTag(
                TagCreateRequest(tag_name: "v1", commit_id: commit),
                inRepository: name
            )
            try await client.setVisibility(ofRepository: name, isPublic: true)
            return commit
        }
    }
}
