internal import Foundation
internal import Glibc
internal import HostSystem
internal import Logging
internal import Synchronization
internal import SystemPackage
internal import VersAPI
public import VersCore

extension HostNetwork {
    public func recover(_ running: [NetworkAttachment]) async {
        do {
            let found = try await BlockingPool.run { [namespaces] in try namespaces.all() }
            let hasDirectory = access(names.directory.string, F_OK) == 0
            // An ordinary user, or a host that never had a private network.
            guard !running.isEmpty || !found.isEmpty || hasDirectory || if_nametoindex(names.hostBridge) != 0 else {
                return
            }
            let tools = try NetworkTools()
            try await changing.withLock { try await recover(running, found: Set(found), tools: tools) }
        } catch {
            logger.error("private networks could not be taken over", metadata: ["error": "\(error)"])
        }
    }

    private func recover(
        _ running: [NetworkAttachment],
        found: Set<NetworkNames.Namespace>,
        tools: NetworkTools
    ) async throws {
        let whole = running.filter { attachment in
            let tree = attachment.network.treeID
            let isWhole =
                found.contains(.machine(attachment.machineID)) && found.contains(.tree(tree))
                && recordedUplink(of: tree) != nil
            if !isWhole {
                logger.error(
                    "the private network of a vm is gone: stop the vm and start it again",
                    metadata: ["vm.id": "\(attachment.machineID)"]
                )
            }
            return isWhole
        }
        let trees = Set(whole.map(\.network.treeID))
        state.withLock { state in
            for attachment in whole {
                state.prepared.insert(attachment.machineID)
                state.machines[attachment.machineID] = attachment
            }
            for tree in trees { state.trees[tree] = recordedUplink(of: tree).map { Tree(uplink: $0) } }
        }
        try await removeStrays(found, keeping: Set(whole.map(\.machineID)), trees, tools: tools)
        guard !trees.isEmpty else { return try await removeHost(tools) }
        try await prepareHost(tools)
        for tree in trees {
            do {
                try await takeOver(tree, tools: tools)
            } catch {
                logger.error(
                    "a private network could not be brought up to date",
                    metadata: ["tree.id": "\(tree)", "error": "\(error)"]
                )
            }
        }
    }

    /// Of VMs that do not run and trees without any. A tree may have left no more than its directory.
    private func removeStrays(
        _ found: Set<NetworkNames.Namespace>,
        keeping machines: Set<MachineID>,
        _ trees: Set<MachineID>,
        tools: NetworkTools
    ) async throws {
        let directories = ((try? HostFile.names(in: names.directory)) ?? []).compactMap { MachineID($0) }
        var strays = Set(directories)
        for namespace in found {
            switch namespace {
            case .tree(let id): strays.insert(id)
            case .machine(let id) where !machines.contains(id):
                logger.warning("removing a stray network namespace", metadata: ["vm.id": "\(id)"])
                try await BlockingPool.run { [namespaces] in try namespaces.remove(.machine(id)) }
            case .machine: break
            }
        }
        for tree in strays.subtracting(trees) {
            logger.warning("removing a stray private network", metadata: ["tree.id": "\(tree)"])
            state.withLock { $0.trees[tree] = Tree(uplink: recordedUplink(of: tree) ?? 0) }
            try await removeTree(tree, tools: tools)
        }
    }

    /// Names and rules may be older than the records.
    private func takeOver(_ tree: MachineID, tools: NetworkTools) async throws {
        let directory = names.directory(of: tree)
        let hosts = directory.appending("hosts")
        let kept = Set(attachments(of: tree).map(\.machineID.text))
        try await BlockingPool.run {
            for name in try HostFile.names(in: hosts) where !kept.contains(name) {
                try HostFile.remove(hosts.appending(name))
            }
        }
        try await apply(tree, tools: tools)
        for kind in NameServer.Kind.allCases { try NameServer(kind: kind, directory: directory).reload() }
    }
}
