import SystemPackage
import Testing

@testable import QEMU

struct ConfinementTests {
    @Test func `a range of users is written as its first and its count`() {
        #expect(MachineUserRange("1000000:4096")?.machines == 1_000_001..<1_004_096)
        #expect(MachineUserRange("1000000:4096")?.readers == 1_000_000)
        for text in ["", "1000000", "0:4096", "1000000:15", "4294967290:4096", "-1:16", "a:b", "1:16:16"] {
            #expect(MachineUserRange(text) == nil, "\(text)")
        }
    }

    @Test func `a home chooses the same users each time, which are no users of the host`() {
        let range = MachineUserRange(home: "/srv/vers")
        #expect(range == MachineUserRange(home: "/srv/vers"))
        #expect(range != MachineUserRange(home: "/srv/vers2"))
        for home in ["/a", "/b", "/c", "/srv/vers"] {
            let range = MachineUserRange(home: FilePath(home))
            #expect(range.first >= 0x7000_0000 && UInt64(range.first) + UInt64(range.count) < 0x8000_0000)
        }
    }

    @Test func `a container that lacks the users is told of`() throws {
        let range = try #require(MachineUserRange("1000000:4096"))
        #expect(MachineConfinement.isMapped(range, in: "         0          0 4294967295\n"))
        #expect(!MachineConfinement.isMapped(range, in: "         0     100000      65536\n"))
        #expect(MachineConfinement.isMapped(range, in: "0 100000 65536\n1000000 200000 4096\n"))
        #expect(!MachineConfinement.isMapped(range, in: "0 100000 65536\n1000000 200000 4095\n"))
    }

    @Test func `control groups are found in either version`() {
        let old = ControlGroups.hierarchies(
            mounts: """
                cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
                cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
                cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
                tmpfs /tmp tmpfs rw 0 0
                """,
            own: "5:memory:/not/there\n3:cpu,cpuacct:/\n1:name=systemd:/\n"
        )
        #expect(
            old == [
                .init(version: 1, parent: "/sys/fs/cgroup/cpu,cpuacct", controllers: [.cpu]),
                .init(version: 1, parent: "/sys/fs/cgroup/memory", controllers: [.memory]),
            ]
        )
        let new = ControlGroups.hierarchies(mounts: "cgroup2 /cgroups cgroup2 rw 0 0\n", own: "0::/system/versd\n")
        #expect(new == [.init(version: 2, parent: "/cgroups", controllers: [])])
    }

    @Test func `limits are of what a guest and its frozen copy may have`() {
        let limits = ResourceLimits(memoryMiB: 512, vcpuCount: 2)
        #expect(limits.files(of: .memory, version: 2).map(\.value) == ["\(1536 << 20)"])
        #expect(limits.files(of: .cpu, version: 2).map(\.value) == ["300"])
        #expect(limits.files(of: .cpu, version: 1).map(\.name) == ["cpu.shares"])
        #expect(limits.files(of: .pids, version: 1).map(\.name) == ["pids.max"])
    }

    @Test func `a process is started without privileges, and only the last program gets the environment`() throws {
        let words = MachineConfinement.words(
            for: "/usr/bin/qemu",
            ["-x"],
            environment: ["B": "2", "A": "1"],
            user: 1_000_007,
            groups: [1_000_000, 109]
        )
        #expect(words.starts(with: ["--reuid=1000007", "--regid=1000007", "--groups=1000000,109", "--no-new-privs"]))
        #expect(words.suffix(6) == ["/usr/bin/env", "--ignore-environment", "A=1", "B=2", "/usr/bin/qemu", "-x"])
        #expect(words.contains("--bounding-set=-all"))
    }
}
