import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What must be true at the end, 1: a branch goes on in parent and child.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Branch {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        @Test func `a chain of layers that is full is merged onto the booted state, which standbys go on to rehearse`()
            async throws
        {
            let parent = try await client.newTiny()
            // Memory of all ages, half of it cleared again. What is cleared later takes the place of what a layer holds.
            try await client.sh(parent, "mkdir -p /tmp/ages")
            func rehearsals() -> Int { instance.log.components(separatedBy: "standby has rehearsed").count - 1 }
            func depth() -> String? { instance.log.matches(of: /layer\.depth=(\d+)/).last.map { String($0.output.1) } }
            // With the booted state, the 24th is one more than may lie on each other.
            for round in 1...26 {
                try await client.sh(
                    parent,
                    """
                    head -c 200000 /dev/urandom >/tmp/ages/\(round); rm -f /tmp/ages/\(round / 2)
                    cd /tmp/ages; md5sum * >/tmp/sums
                    """
                )
                let before = rehearsals()
                let child = try #require(try await client.branch(parent).first)
                #expect(depth() == "\(round < 24 ? round + 1 : round - 22)")
                try await client.sh(child, "cd /tmp/ages && md5sum -c -s /tmp/sums")
                if round > 23 {
                    let grandchild = try #require(try await client.branch(child).first)
                    try await client.sh(grandchild, "cd /tmp/ages && md5sum -c -s /tmp/sums")
                }
                try await client.deleteMachine(child, recursive: true)
                // So that it meets a process that is ready.
                if round >= 20 { try await eventually("another rehearsal") { rehearsals() > before } }
            }
            try await client.deleteMachine(parent)
        }

        @Test func `the counter of a branched VM goes on from its value in parent and child`() async throws {
            let parent = try await client.newTiny()
            try await client.startCounter(parent)
            let before = try await client.counter(parent)
            let child = try await client.branch(parent)[0]
            let atBranch = try await client.counter(child)
            #expect(atBranch >= before)
            for machine in [parent, child] {
                let first = try await client.counter(machine)
                #expect(first >= before)
                try await eventually("the counter of \(machine) to go on") {
                    try await client.counter(machine) > first + 2
                }
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `a listening socket of the parent answers in the child`() async throws {
            let parent = try await client.newTiny()
            try await client.sh(
                parent,
                "mkdir -p /tmp/www && echo served >/tmp/www/index.html && httpd -p 127.0.0.1:8080 -h /tmp/www"
            )
            #expect(try await client.sh(parent, "wget -qO- http://127.0.0.1:8080/") == "served")
            let child = try await client.branch(parent)[0]
            for machine in [parent, child] {
                #expect(try await client.sh(machine, "wget -qO- http://127.0.0.1:8080/") == "served")
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `twenty processes survive under their pids`() async throws {
            let parent = try await client.newTiny()
            try await client.sh(
                parent,
                """
                for n in $(seq 20); do
                    (while :; do date +%s%N >/tmp/beat-$n; sleep 0.2; done) </dev/null >/dev/null 2>&1 &
                    echo $! >/tmp/pid-$n
                done
                """
            )
            let child = try await client.branch(parent)[0]
            for machine in [parent, child] {
                let alive = try await client.sh(
                    machine,
                    "for n in $(seq 20); do kill -0 $(cat /tmp/pid-$n) && echo $n; done"
                )
                #expect(alive.split(separator: "\n").count == 20)
                // And not only there: each beats on.
                let silent = "for n in $(seq 20); do rm -f /tmp/beat-$n; done"
                try await client.sh(machine, silent)
                try await eventually("all of them to beat") {
                    try await client.sh(machine, "ls /tmp | grep -c '^beat-' || true") == "20"
                }
            }
            #expect(try await client.sh(parent, "cat /tmp/pid-*") == client.sh(child, "cat /tmp/pid-*"))
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `a file changed on one side never shows on the other`() async throws {
            let parent = try await client.newTiny()
            try await client.sh(parent, "echo base >/root/shared; echo base >/root/overwritten; sync")
            let child = try await client.branch(parent)[0]
            try await client.sh(parent, "echo parent >/root/overwritten; echo p >/root/only-parent; sync")
            try await client.sh(child, "echo child >/root/overwritten; echo c >/root/only-child; rm /root/shared; sync")
            let grandchild = try await client.branch(child)[0]
            let drop = "sync; echo 3 >/proc/sys/vm/drop_caches; "
            #expect(
                try await client.sh(parent, drop + "cat /root/overwritten; cat /root/shared; ls /root") == """
                    parent
                    base
                    only-parent
                    overwritten
                    shared
                    """
            )
            for machine in [child, grandchild] {
                #expect(
                    try await client.sh(machine, drop + "cat /root/overwritten; ls /root") == """
                        child
                        only-child
                        overwritten
                        """
                )
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `the disks after a branch under heavy writing pass fsck`() async throws {
            let parent = try await client.newTiny()
            try await client.sh(
                parent,
                """
                (i=0; while :; do i=$((i+1)); d=/root/w/$((i % 20)); mkdir -p $d
                    dd if=/dev/urandom of=$d/f$i bs=16k count=4 2>/dev/null; rm -rf /root/w/$(((i + 7) % 20))
                    [ $((i % 5)) = 0 ] && sync; done) </dev/null >/dev/null 2>&1 &
                """
            )
            try await eventually("writing to begin") { try await client.sh(parent, "ls /root/w | wc -l") != "0" }
            let children = try await client.branch(parent, count: 2)
            let grandchild = try await client.branch(children[0])[0]
            for machine in [parent, grandchild] + children {
                try await client.setState(of: machine, to: .stopped)
                try await instance.checkDisk(of: machine)
            }
            // And they come up from them.
            try await client.setState(of: grandchild, to: .running)
            #expect(try await client.sh(grandchild, "echo up") == "up")
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `children of one call share one freeze and are all there`() async throws {
            let parent = try await client.newTiny()
            try await client.startCounter(parent)
            let children = try await client.branch(parent, count: 4)
            #expect(Set(children).count == 4)
            var origins: Set<CommitID> = []
            for child in children {
                let summary = try await client.machine(child)
                #expect(summary.state == .running)
                #expect(summary.parent_vm_id == parent)
                if let commit = summary.parent_commit_id { origins.insert(commit) }
                #expect(try await client.counter(child) > 1)
            }
            #expect(origins.count == 1)
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `paused, sleeping and stopped VMs branch, and stay what they are`() async throws {
            let parent = try await client.newTiny()
            try await client.startCounter(parent)
            try await client.sh(parent, "echo kept >/root/file; sync")
            for state in [RequestedState.paused, .sleeping, .stopped] {
                try await client.setState(of: parent, to: state)
                let child = try await client.branch(parent)[0]
                #expect(try await client.state(of: parent).rawValue == state.rawValue.lowercased())
                #expect(try await client.sh(child, "cat /root/file") == "kept")
                let before = try await client.sh(child, "cat /tmp/counter")
                if state == .stopped {
                    #expect(try await client.sh(child, "sleep 0.5; cat /tmp/counter") == before)
                } else {
                    try await eventually("the counter of a child of a \(state.rawValue) VM") {
                        try await client.sh(child, "cat /tmp/counter") != before
                    }
                }
                try await client.deleteMachine(child)
            }
            try await client.setState(of: parent, to: .running)
            #expect(try await client.sh(parent, "cat /root/file") == "kept")
            try await client.deleteMachine(parent)
        }
    }
}

extension Instance {
    /// Puts the layers of a stopped VM's disk together and checks the filesystem, changing nothing.
    func checkDisk(of machine: MachineID, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let directory = home.appending("vms").appending(machine.text)
        let disks = Leftovers.names(in: directory).filter { $0.hasPrefix("disk-") }
        try #require(disks.count == 1, "\(disks)", sourceLocation: sourceLocation)
        let raw = root.appending("check.raw")
        defer { try? FileManager.default.removeItem(atPath: raw.string) }
        for (program, arguments) in [
            ("/usr/bin/qemu-img", ["convert", "-O", "raw", disks[0], raw.string]),
            // The journal of a filesystem that was cut off may have to be replayed; then nothing may be wrong.
            ("/sbin/e2fsck", ["-fp", "-E", "journal_only", raw.string]),
            ("/sbin/e2fsck", ["-fn", raw.string]),
        ] {
            let run = try RunningProgram(
                .init(program),
                arguments,
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
                directory: directory
            )
            defer { run.forget() }
            let result = try await run.result(within: .seconds(120))
            let isGood = result.status == 0 || (arguments.contains("journal_only") && result.status <= 1)
            #expect(isGood, "\(program) \(arguments): \(result)", sourceLocation: sourceLocation)
        }
    }
}
