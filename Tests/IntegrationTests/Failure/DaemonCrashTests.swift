import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient
import VersCore

extension IntegrationTests {
    /// What must be true at the end, 4: `kill -9` of the daemon at any moment.
    @Suite(.needs(image: "tiny"), .alone, .instance(), .serialized) struct DaemonCrash {
        private let instance: Instance

        init() throws { instance = try Instance.current }

        private static let branch = OperationStep.allCases.filter { $0.rawValue.hasPrefix("branch.") }
        private static let commit = OperationStep.allCases.filter { $0.rawValue.hasPrefix("commit.") }
        private static let delete = OperationStep.allCases.filter { $0.rawValue.hasPrefix("delete.") }

        @Test(arguments: branch) func `a daemon that is killed inside a branch leaves nothing`(
            step: OperationStep
        ) async throws {
            try await crash(at: step) { client, parent in _ = try await client.branch(parent, count: 2) }
        }

        @Test(arguments: commit) func `a daemon that is killed inside a commit leaves nothing`(
            step: OperationStep
        ) async throws {
            try await crash(at: step) { client, parent in
                let commit = try await client.commit(parent)
                try await client.deleteCommit(commit)
            }
        }

        @Test(arguments: [OperationStep.sleepCommitted, .wakeRestored, .wakeRecorded])
        func `a daemon that is killed while a VM falls asleep or wakes leaves nothing`(step: OperationStep) async throws
        {
            try await crash(at: step) { client, parent in
                if try await client.state(of: parent) == .running {
                    try await client.setState(of: parent, to: .sleeping)
                }
                try await client.setState(of: parent, to: .running)
            }
        }

        @Test(arguments: delete) func `a VM whose deletion was cut off is gone`(step: OperationStep) async throws {
            try await crash(at: step) { client, parent in
                let child = try await client.branch(parent)[0]
                try await client.deleteMachine(child)
            }
        }

        @Test(arguments: [OperationStep.diskAdopted, .diskCreated, .diskRecorded])
        func `a commit of a stopped VM that was cut off can be repeated`(step: OperationStep) async throws {
            try await crash(at: step) { client, parent in
                if try await client.state(of: parent) == .running {
                    try await client.setState(of: parent, to: .stopped)
                }
                let commit = try await client.commit(parent)
                try await client.setState(of: parent, to: .running)
                try await client.deleteCommit(commit)
            }
        }

        private static let create = OperationStep.allCases.filter { $0.rawValue.hasPrefix("create.") }

        @Test(arguments: create) func `a daemon that is killed while VMs are created leaves nothing, or VMs`(
            step: OperationStep
        ) async throws {
            try await end(at: step, signal: SIGKILL) { client, _ in try await createTwo(client) }
        }

        /// Everything is asked to end by itself then, and each in its turn.
        @Test(arguments: create + branch + delete)
        func `a daemon that is asked to end inside an operation leaves records and files that agree`(
            step: OperationStep
        ) async throws {
            try await end(at: step, signal: SIGTERM) { client, parent in
                if step.rawValue.hasPrefix("create.") { try await createTwo(client) }
                let child = try await client.branch(parent, count: 2)[0]
                try await client.deleteMachine(child)
            }
        }

        /// The first is answered as soon as it is recorded.
        private func createTwo(_ client: VersClient) async throws {
            let tiny = MachineConfiguration(mem_size_mib: 128, image_name: "tiny")
            _ = try await client.createMachine(tiny, waitForBoot: false)
            _ = try await client.createMachine(tiny, waitForBoot: true)
        }

        /// Has the daemon end right after `step` inside `operation`, which may be answered yet, and checks what the next one
        /// makes of it. A failure comes with what all daemons of the test have said, and the rows that there are.
        private func end(
            at step: OperationStep,
            signal: Int32,
            _ operation: (VersClient, MachineID) async throws -> Void
        ) async throws {
            let logged = instance.log.utf8.count
            let parent = try await instance.client().newTiny()
            do {
                try await instance.endDaemon()
                try await instance.startDaemon(fault: step.rawValue + (signal == SIGTERM ? ":TERM" : ""))
                do {
                    try await operation(try instance.client(), parent)
                } catch let error as VersError where [.unreachable, .unavailable].contains(error.code) {
                    // Cut off, as it may be.
                }
                try #require(try await instance.daemonEnd().status == (signal == SIGTERM ? 0 : 128 + signal))

                try await instance.startDaemon()
                let client = try instance.client()
                let listed = try await client.machines()
                // Whoever asks for a VM that is brought up waits for it.
                for machine in listed { #expect(try await client.sh(machine.vm_id, "echo here") == "here") }
                try #require(listed.contains { $0.vm_id == parent })
            } catch {
                throw TestFailure("\(step), vm \(parent): \(error)\n\(evidence(since: logged))")
            }
            let client = try instance.client()
            try await expectConsistent(client, alive: [parent])
            for machine in try await client.machines().reversed() {
                try await client.deleteMachine(machine.vm_id, recursive: true)
            }
            try await expectConsistent(client, alive: [])
        }

        private func evidence(since start: Int) -> String {
            let rows = "SELECT id || ' ' || state || ' ' || organisationID || ' ' || ifnull(deletedAt, '') FROM machine"
            let keys = "SELECT id || ' ' || organisationID || ' ' || ifnull(revokedAt, '') FROM apiKey"
            let found = [rows, keys].map { query in
                do {
                    return try instance.rows(query).joined(separator: "\n")
                } catch {
                    return "\(error)"
                }
            }
            let log = String(decoding: instance.log.utf8.dropFirst(start), as: UTF8.self)
            return "vms:\n\(found[0])\nkeys:\n\(found[1])\nthe daemons' log:\n\(log)"
        }

        /// A daemon just started knows of no process, file or mark but what it finds.
        @Test func `a VM branches at once after a daemon was killed inside its branch, time after time`() async throws {
            let parent = try await instance.client().newTiny()
            for _ in 1...8 {
                try await instance.endDaemon()
                try await instance.startDaemon(fault: OperationStep.branchMarkKept.rawValue)
                await #expect(throws: VersError.self) { _ = try await instance.client().branch(parent) }
                #expect(try await instance.daemonEnd().status == 128 + SIGKILL)
                try await instance.startDaemon()
                let client = try instance.client()
                let child = try #require(try await client.branch(parent).first)
                #expect(try await client.sh(child, "echo here") == "here")
                try await client.deleteMachine(child)
            }
            let client = try instance.client()
            try await expectConsistent(client, alive: [parent])
            try await client.deleteMachine(parent)
        }

        @Test func `a daemon that is killed at rest finds its VMs as they are`() async throws {
            let client = try instance.client()
            let running = try await client.newTiny()
            let paused = try await client.newTiny()
            try await client.startCounter(running)
            try await client.setState(of: paused, to: .paused)
            let request = ExecRequest(command: ["sh", "-c", "sleep 3; echo done"])
            let exec = try await client.stream(request, in: running).execID
            try await instance.restartDaemon(SIGKILL)
            let again = try instance.client()
            #expect(try await again.state(of: running) == .running)
            #expect(try await again.state(of: paused) == .paused)
            #expect(try await again.counter(running) > 1)
            // A command that ran is followed to its end.
            let events = try await again.attach(AttachRequest(exec_id: exec), in: running).reduce(into: []) {
                $0.append($1)
            }
            #expect(
                events.contains {
                    if case .chunk(.stdout, let data, _, _, _) = $0 { data == Array("done\n".utf8) } else { false }
                }
            )
            for machine in [running, paused] { try await again.deleteMachine(machine) }
        }

        /// Lets the daemon end itself right after `step` inside `operation`, and checks what the next one finds.
        private func crash(
            at step: OperationStep,
            _ operation: (VersClient, MachineID) async throws -> Void
        ) async throws {
            let first = try instance.client()
            let parent = try await first.newTiny()
            let other = try await first.newTiny()
            try await first.sh(parent, "echo kept >/root/kept; sync")
            try await first.startCounter(other)
            let counted = try await first.counter(other)
            try await instance.endDaemon()
            try await instance.startDaemon(fault: step.rawValue)
            let failure = await #expect(throws: VersError.self, "\(step) was not passed") {
                try await operation(try instance.client(), parent)
            }
            // Anything else is an answer of a daemon that lives.
            let isCutOff = failure?.code == .unreachable || failure?.code == .unavailable
            try #require(isCutOff, "before \(step): \(failure?.message ?? "")")
            #expect(try await instance.daemonEnd().status == 128 + SIGKILL)

            try await instance.startDaemon()
            let client = try instance.client()
            try await expectConsistent(client, alive: [parent, other])
            try await expectWholeCommits(client, after: step)
            #expect(try await client.counter(other) > counted)
            try await operation(client, parent)
            #expect(try await client.sh(parent, "cat /root/kept") == "kept")
            for machine in try await client.machines().reversed() {
                try await client.deleteMachine(machine.vm_id, recursive: true)
            }
            try await expectConsistent(client, alive: [])
        }

        /// What is listed, what runs and what lies on the disk are the same.
        private func expectConsistent(_ client: VersClient, alive: Set<MachineID>) async throws {
            let listed = try await client.machines()
            #expect(Set(listed.map(\.vm_id)).isSuperset(of: alive))
            for machine in listed {
                #expect([.running, .sleeping, .stopped].contains(machine.state), "\(machine)")
                if machine.state == .running { #expect(try await client.sh(machine.vm_id, "echo here") == "here") }
            }
            let withProcess = Set(listed.filter { $0.state == .running }.map(\.vm_id.text))
            // The copy that a freeze forks off may live a moment longer than the answer.
            try await eventually("processes of \(withProcess) and no other") {
                instance.machinesWithProcess() == withProcess
            }
            let vms = instance.home.appending("vms")
            #expect(Set(Leftovers.names(in: vms)) == Set(listed.map(\.vm_id.text)))
            for machine in listed {
                let disks = Leftovers.names(in: vms.appending(machine.vm_id.text)).filter { $0.hasPrefix("disk-") }
                #expect(disks.count == 1, "vm \(machine.vm_id), which is \(machine.state), has \(disks)")
            }
            let known = try instance.knownCommits()
            let directories = Set(Leftovers.names(in: instance.home.appending("commits")))
            #expect(directories.subtracting(known).isEmpty, "commit directories that no row needs")
        }

        /// A commit that was recorded before the end is whole, although nobody was told of it: a VM starts from it.
        private func expectWholeCommits(_ client: VersClient, after step: OperationStep) async throws {
            let commits = try await client.commits().commits
            let recorded: [OperationStep] = [.commitRecorded, .commitSealed, .diskRecorded]
            #expect(commits.count == (recorded.contains(step) ? 1 : 0), "\(commits)")
            for commit in commits {
                let machine = try await client.createMachine(from: commit.commit_id)
                #expect(try await client.sh(machine, "cat /root/kept") == "kept")
                try await client.deleteMachine(machine)
                try await client.deleteCommit(commit.commit_id)
            }
        }
    }
}

extension Instance {
    /// The commits that some row which is not deleted needs, from the database itself.
    func knownCommits() throws -> Set<String> {
        let query = """
            SELECT memoryLayers || diskLayers || '["' || id || '"]' FROM commitRecord WHERE deletedAt IS NULL
            UNION ALL SELECT startMemoryLayers || markedMemoryLayers || diskLayers FROM machine WHERE deletedAt IS NULL
            """
        let text = try rows(query).joined(separator: "\n")
        return Set(text.matches(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/).map { String($0.output.0) })
    }

    /// What a query of one column gives, from the database itself.
    func rows(_ query: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        let program = "import sqlite3,sys\nfor r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(r[0])"
        process.arguments = ["-c", program, home.appending("vers.sqlite").string, query]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestFailure("the database could not be read") }
        return text.split(separator: "\n").map(String.init)
    }
}
