import Foundation
import TerminalUI
import VersAPI

/// VMs and commits as they descend from each other.
///
/// A commit stands under the VM it was taken from, a VM under the commit it was started from when that is listed,
/// else under the VM it was branched from. What has no listed origin is a root.
struct Forest {
    struct Node: Equatable {
        enum Item: Equatable {
            case machine(MachineSummary)
            case commit(CommitInfo)
        }

        var item: Item
        var children: [Node]
    }

    let roots: [Node]

    init(machines: [MachineSummary], commits: [CommitInfo]) {
        let machineIDs = Set(machines.map(\.vm_id))
        let commitIDs = Set(commits.map(\.commit_id))
        var children: [Target?: [Node.Item]] = [:]
        for machine in machines {
            let origin: Target? =
                if let commit = machine.parent_commit_id, commitIDs.contains(commit) {
                    .commit(commit)
                } else if let parent = machine.parent_vm_id, machineIDs.contains(parent), parent != machine.vm_id {
                    .machine(parent)
                } else {
                    nil
                }
            children[origin, default: []].append(.machine(machine))
        }
        for commit in commits {
            let origin = commit.parent_vm_id.flatMap { machineIDs.contains($0) ? Target.machine($0) : nil }
            children[origin, default: []].append(.commit(commit))
        }
        roots = Self.build(children)
    }

    /// Builds from the leaves, without recursion: chains of branches may be thousands deep.
    private static func build(_ children: [Target?: [Node.Item]]) -> [Node] {
        let sorted = children.mapValues { $0.sorted(by: isBefore) }
        var order: [Node.Item] = []
        var pending = sorted[nil] ?? []
        while let item = pending.popLast() {
            order.append(item)
            pending += sorted[item.target] ?? []
        }
        var built: [Target: Node] = [:]
        for item in order.reversed() {
            let below = (sorted[item.target] ?? []).compactMap { built.removeValue(forKey: $0.target) }
            built[item.target] = Node(item: item, children: below)
        }
        return (sorted[nil] ?? []).compactMap { built[$0.target] }
    }

    private static func isBefore(_ lhs: Node.Item, _ rhs: Node.Item) -> Bool {
        lhs.createdAt == rhs.createdAt ? lhs.target.text < rhs.target.text : lhs.createdAt < rhs.createdAt
    }

    /// The part below one VM or commit; nil when it is not there.
    func subtree(of target: Target) -> Node? {
        var pending = roots
        while let node = pending.popLast() {
            if node.item.target == target { return node }
            pending += node.children
        }
        return nil
    }
}

extension Forest.Node.Item {
    var target: Target {
        switch self {
        case .machine(let machine): .machine(machine.vm_id)
        case .commit(let commit): .commit(commit.commit_id)
        }
    }

    var createdAt: Date {
        switch self {
        case .machine(let machine): machine.created_at
        case .commit(let commit): commit.created_at
        }
    }
}

/// Turns a forest into lines for people.
struct ForestDrawing {
    var aliases: [MachineID: [String]]
    var head: MachineID?
    var now: Date

    func nodes(of roots: [Forest.Node]) -> [TreeNode] {
        // The walk is a fold over a work list for the same reason as in `Forest`.
        var order: [Forest.Node] = []
        var pending = roots
        while let node = pending.popLast() {
            order.append(node)
            pending += node.children
        }
        var drawn: [Target: TreeNode] = [:]
        for node in order.reversed() {
            let children = node.children.compactMap { drawn.removeValue(forKey: $0.item.target) }
            drawn[node.item.target] = TreeNode(label(of: node.item), children: children)
        }
        return roots.compactMap { drawn[$0.item.target] }
    }

    private func label(of item: Forest.Node.Item) -> [StyledText] {
        switch item {
        case .machine(let vm):
            let names = aliases[vm.vm_id] ?? []
            var label = names.isEmpty ? [] : [StyledText(names.joined(separator: ", "), .bold)]
            label.append(StyledText(vm.vm_id.text, names.isEmpty ? .bold : .dim))
            label.append(StyledText(vm.state.rawValue, vm.state.style))
            label.append(StyledText("\(size(vm.mem_size_mib)), \(vm.vcpu_count) vCPU, disk \(size(vm.fs_size_mib))"))
            label.append(StyledText(Timestamp.age(of: vm.created_at, now: now), .dim))
            if vm.vm_id == head { label.append(StyledText("HEAD", .cyan)) }
            return label
        case .commit(let commit):
            return [
                StyledText("commit \(commit.name)", .blue), StyledText(commit.commit_id.text, .dim),
                StyledText(Timestamp.age(of: commit.created_at, now: now), .dim),
            ]
        }
    }

    private func size(_ mebibytes: Int) -> String {
        mebibytes >= 1024 && mebibytes % 1024 == 0 ? "\(mebibytes / 1024) GiB" : "\(mebibytes) MiB"
    }
}
