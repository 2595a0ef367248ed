import Testing
import VersAPI
import VersCore

@Suite("branching a running machine", .serialized)
struct BranchTests {
    @Test("a counter in memory goes on in the parent and in two children of one freeze")
    func counterGoesOn() async throws {
        let host = try await TestHost.shared.prepared()
        try await TestMachine.withChild(of: host.booted, on: host) { parent in
            try await parent.waitForCount(above: 1)
            try await parent.shell.run("echo parent > /disk/owner; head -c 3000000 /dev/urandom > /tmp/blob")
            let sum = try await parent.shell.run("md5sum < /tmp/blob")
            let before = try await parent.count()
            let commit = try await TestCommit.freeze(parent.vm, root: host.root, parent: host.booted, delta: .sinceStart)
            print("pause", commit.report.pause, commit.report.steps, commit.layer)
            for child in 0..<2 {
                try await TestMachine.withChild(of: commit, on: host) { machine in
                    #expect(try await machine.count() >= before)
                    #expect(try await machine.shell.run("md5sum < /tmp/blob") == sum)
                    #expect(try await machine.shell.run("cat /disk/owner") == "parent")
                    try await machine.shell.run("echo child \(child) > /disk/owner; sync")
                    try await machine.waitForCount(above: before + 5)
                }
            }
            try await parent.waitForCount(above: before + 5)
            #expect(try await parent.shell.run("cat /disk/owner") == "parent")
            #expect(try await parent.shell.run("md5sum < /tmp/blob") == sum)
        }
    }
}
