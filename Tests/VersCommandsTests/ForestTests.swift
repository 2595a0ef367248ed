import Foundation
import TerminalUI
import Testing
import VersAPI

@testable import VersCommands

@Suite struct ForestTests {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)

    static func id(_ digit: Character) -> MachineID {
        MachineID("\(String(repeating: digit, count: 8))-0000-4000-8000-000000000000") ?? MachineID()
    }

    static func commitID(_ digit: Character) -> CommitID {
        CommitID("\(String(repeating: digit, count: 8))-0000-4000-8000-00000000000c") ?? CommitID()
    }

    static func machine(
        _ digit: Character,
        parent: Character? = nil,
        commit: Character? = nil,
        state: MachineState = .running,
        age: Double = 60
    ) -> MachineSummary {
        MachineSummary(
            vm_id: id(digit),
            owner_id: KeyID(),
            state: state,
            created_at: now - age,
            labels: nil,
            parent_vm_id: parent.map(id),
            parent_commit_id: commit.map(commitID),
            mem_size_mib: 512,
            vcpu_count: 1,
            fs_size_mib: 1024,
            state_reason: nil
        )
    }

    static func commit(_ digit: Character, of parent: Character?, name: String, age: Double = 50) -> CommitInfo {
        CommitInfo(
            commit_id: commitID(digit),
            owner_id: KeyID(),
            name: name,
            is_public: false,
            created_at: now - age,
            description: nil,
            parent_vm_id: parent.map(id),
            grandparent_commit_id: nil
        )
    }

    /// The founding text's tree, with a commit of the root from which one VM was started.
    static let machines = [
        machine("1", age: 7200),
        machine("2", parent: "1", commit: "f", age: 300),
        machine("4", parent: "2", commit: "e", state: .paused, age: 200),
        machine("5", parent: "2", commit: "d", state: .dead, age: 100),
        machine("3", parent: "1", commit: "c", age: 250),
        machine("6", parent: "1", commit: "a", age: 10),
    ]
    static let commits = [
        commit("a", of: "1", name: "golden", age: 270), commit("b", of: "9", name: "orphan", age: 9000),
    ]

    private func drawing(for stream: TerminalStream) -> String {
        let aliases = [Self.id("1"): ["root"], Self.id("2"): ["child-1"], Self.id("3"): ["child-2"]]
        let drawing = ForestDrawing(aliases: aliases, head: Self.id("2"), now: Self.now)
        let forest = Forest(machines: Self.machines, commits: Self.commits)
        return TreeDrawing(for: stream).draw(drawing.nodes(of: forest.roots))
    }

    @Test func goldenASCII() {
        #expect(
            drawing(for: .plain) == """
                commit orphan  bbbbbbbb-0000-4000-8000-00000000000c  2h
                root  11111111-0000-4000-8000-000000000000  running  512 MiB, 1 vCPU, disk 1 GiB  2h
                |- child-1  22222222-0000-4000-8000-000000000000  running  512 MiB, 1 vCPU, disk 1 GiB  5m  HEAD
                |  |- 44444444-0000-4000-8000-000000000000  paused  512 MiB, 1 vCPU, disk 1 GiB  3m
                |  `- 55555555-0000-4000-8000-000000000000  dead  512 MiB, 1 vCPU, disk 1 GiB  100s
                |- commit golden  aaaaaaaa-0000-4000-8000-00000000000c  4m
                |  `- 66666666-0000-4000-8000-000000000000  running  512 MiB, 1 vCPU, disk 1 GiB  10s
                `- child-2  33333333-0000-4000-8000-000000000000  running  512 MiB, 1 vCPU, disk 1 GiB  4m
                """
        )
    }

    @Test func goldenUnicode() {
        let stream = TerminalStream(isTerminal: true, showsColour: false, showsUnicode: true, columns: 60)
        #expect(
            drawing(for: stream) == """
                commit orphan  bbbbbbbb-0000-4000-8000-00000000000c  2h
                root  11111111-0000-4000-8000-000000000000  running  512 Mi…
                ├─ child-1  22222222-0000-4000-8000-000000000000  running
                │  ├─ 44444444-0000-4000-8000-000000000000  paused  512 MiB…
                │  └─ 55555555-0000-4000-8000-000000000000  dead  512 MiB, …
                ├─ commit golden  aaaaaaaa-0000-4000-8000-00000000000c  4m
                │  └─ 66666666-0000-4000-8000-000000000000  running  512 Mi…
                └─ child-2  33333333-0000-4000-8000-000000000000  running
                """
        )
    }

    @Test func subtrees() throws {
        let forest = Forest(machines: Self.machines, commits: Self.commits)
        let node = try #require(forest.subtree(of: .machine(Self.id("2"))))
        #expect(node.children.map(\.item.target.text) == [Self.id("4").text, Self.id("5").text])
        #expect(forest.subtree(of: .machine(Self.id("9"))) == nil)
    }

    @Test func aVMWhoseParentIsGoneIsARoot() {
        let forest = Forest(machines: [Self.machine("7", parent: "8", commit: "f")], commits: [])
        #expect(forest.roots.map(\.item.target) == [.machine(Self.id("7"))])
    }

    @Test func jsonEntriesCarryTheirPlace() {
        let forest = Forest(machines: Self.machines, commits: Self.commits)
        let entries = Tree.entries(of: forest.roots, aliases: [:])
        #expect(entries.map(\.depth) == [0, 0, 1, 2, 2, 1, 2, 1])
        #expect(entries.first { $0.id == Self.id("6").text }?.parent == Self.commitID("a").text)
        #expect(entries.filter { $0.type == "vm" }.count == Self.machines.count)
    }

    @Test func deepAndWideForests() {
        var machines: [MachineSummary] = []
        var last: MachineID?
        for index in 0..<2000 {
            var machine = Self.machine("1", age: Double(5000 - index))
            machine.vm_id = MachineID()
            machine.parent_vm_id = index < 1000 ? last : machines[0].vm_id
            last = machine.vm_id
            machines.append(machine)
        }
        let forest = Forest(machines: machines, commits: [])
        let drawing = ForestDrawing(aliases: [:], head: nil, now: Self.now)
        let text = TreeDrawing(for: .plain).draw(drawing.nodes(of: forest.roots))
        #expect(text.split(separator: "\n").count == 2000)
    }
}
