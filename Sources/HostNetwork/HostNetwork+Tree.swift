internal import Foundation
internal import Glibc
internal import HostSystem
internal import Logging
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// What the VMs of a tree share, and what the trees share. Whoever calls these holds `changing`.
extension HostNetwork {
    private static let uplinkFile = "uplink"
    /// The host's own address is the first.
    private static let firstUplink: UInt32 = 2

    /// Makes the bridge that all trees are at, and its rules.
    func prepareHost(_ tools: NetworkTools) async throws {
        guard !state.withLock({ $0.isHostReady }) else { return }
        let rules = HostRules(names: names, uplinks: uplinks, resolvers: resolvers.addresses)
        let isMissing = if_nametoindex(names.hostBridge) == 0
        if isMissing { try await requireFreeBlock(tools) }
        // The rules before the bridge: nobody reaches the host without them.
        try await tools.rules(rules.script)
        if isMissing {
            do {
                try await tools.links(rules.links)
            } catch {
                try? await removeHost(tools)
                throw error
            }
        }
        state.withLock { $0.isHostReady = true }
    }

    private func requireFreeBlock(_ tools: NetworkTools) async throws {
        let block = IPv4Network(address: addresses.address, prefixLength: addresses.prefixLength - 1)
        for line in try await tools.addresses().split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "inet"), words.count > keyword + 1 else { continue }
            let parts = words[keyword + 1].split(separator: "/")
            guard let address = parts.first.flatMap({ IPv4Address(String($0)) }),
                let length = parts.count == 2 ? Int(parts[1]) : 32
            else { continue }
            let other = IPv4Network(address: address, prefixLength: length)
            guard block.contains(other.address) || other.contains(block.address) else { continue }
            throw VersError(
                .conflict,
                "private networks are to be in \(block), but this host has the address \(address)/\(length)",
                hint: "start versd with another block: --guest-network 10.77.0.0/16"
            )
        }
    }

    /// Makes the namespace of a tree, with its bridge and its way out.
    func prepareTree(_ tree: MachineID, tools: NetworkTools) async throws {
        guard state.withLock({ $0.trees[tree] }) == nil else { return }
        let uplink = try freeUplink()
        state.withLock { $0.trees[tree] = Tree(uplink: uplink) }
        do {
            try await BlockingPool.run { [self] in
                let directory = names.directory(of: tree)
                try? FileManager.default.removeItem(atPath: directory.string)
                for path in [NetworkNames.runtimeDirectory, names.directory, directory, directory.appending("hosts")] {
                    try makeReadableDirectory(path)
                }
                try writeReadable("\(uplink)\n", to: directory.appending(Self.uplinkFile))
                try namespaces.remove(.tree(tree))
                _ = try namespaces.create(.tree(tree))
            }
            let port = names.hostPort(uplink)
            try await tools.links([
                "link add \(port) type veth peer name \(NetworkNames.uplink) netns \(names.name(of: .tree(tree)))",
                "link set \(port) master \(names.hostBridge) up",
                // Trees do not see each other.
                "link set \(port) type bridge_slave isolated on",
            ])
            try await tools.links(
                [
                    "link set lo up",
                    "link add \(NetworkNames.bridge) address \(NetworkNames.bridgeAddress) type bridge",
                    "link set \(NetworkNames.bridge) up",
                    "address add \(router)/\(addresses.prefixLength) dev \(NetworkNames.bridge)",
                    "link set \(NetworkNames.uplink) up",
                    "address add \(uplinks.address(at: uplink))/\(uplinks.prefixLength) dev \(NetworkNames.uplink)",
                    "route add default via \(uplinks.address(at: 1))",
                ],
                in: names.name(of: .tree(tree))
            )
        } catch {
            try? await removeTree(tree, tools: tools)
            throw error
        }
    }

    private func freeUplink() throws -> UInt32 {
        let used = Set(state.withLock { $0.trees.values.map(\.uplink) })
        let end = UInt32(1) << UInt32(32 - uplinks.prefixLength) - 1
        // One that was just removed may still be there.
        let free = (Self.firstUplink..<end).first { !used.contains($0) && if_nametoindex(names.hostPort($0)) == 0 }
        guard let free else {
            throw VersError(
                .resourceExhausted,
                "\(used.count) private networks are in use: \(uplinks) has no room for another",
                hint: "delete trees of VMs that you no longer need: vers tree"
            )
        }
        return free
    }

    /// Brings rules, name servers and names of a tree up to date with what its VMs are to have.
    func apply(_ tree: MachineID, tools: NetworkTools) async throws {
        let change = state.withLock { $0.changes }
        let attachments = attachments(of: tree)
        let rules = TreeRules(router: router, attachments: attachments)
        // Name servers fill sets that must be there.
        try await tools.rules(rules.script, in: names.path(of: .tree(tree)))
        let known = state.withLock { $0.trees[tree]?.names ?? [:] }
        let wanted = Dictionary(uniqueKeysWithValues: attachments.map { ($0.machineID, HostsLine($0)) })
        if known != wanted { try await writeNames(wanted, known: known, of: tree) }
        for kind in NameServer.Kind.allCases {
            let isNeeded = attachments.contains { ($0.network.egress == .open) == (kind == .open) }
            if isNeeded { try await serveNames(kind, of: tree, allowedNames: rules.allowedNames, tools: tools) }
        }
        if known != wanted { try await confirm(HostsLine.changes(from: known, to: wanted), in: tree) }
        state.withLock { $0.trees[tree]?.appliedChange = change }
    }

    /// Returns when every name server of a tree answers as it should.
    private func confirm(_ expectations: [NameExpectation], in tree: MachineID) async throws {
        let serving = state.withLock { Set($0.trees[tree]?.configurations.keys.map(\.self) ?? []) }
        for kind in serving.sorted(by: { $0.rawValue < $1.rawValue }) {
            let server = NameServer(kind: kind, directory: names.directory(of: tree))
            try await BlockingPool.run { [namespaces, router] in
                let socket = try namespaces.datagramSocket(in: .tree(tree))
                defer { close(socket) }
                try server.confirm(expectations, at: router, over: socket)
            }
        }
    }

    /// A name server takes notice of a new file by itself; of one that is gone or says something else it must be told.
    private func writeNames(
        _ wanted: [MachineID: HostsLine],
        known: [MachineID: HostsLine],
        of tree: MachineID
    ) async throws {
        let directory = names.directory(of: tree)
        let isTold = known.contains { wanted[$0.key] != $0.value }
        try await BlockingPool.run { [self] in
            let hosts = directory.appending("hosts")
            for (id, line) in wanted where known[id] != line {
                try writeReadable("\(line)\n", to: hosts.appending(id.text))
            }
            for id in known.keys where wanted[id] == nil { try HostFile.remove(hosts.appending(id.text)) }
            guard isTold else { return }
            for kind in NameServer.Kind.allCases { try NameServer(kind: kind, directory: directory).reload() }
        }
        state.withLock { $0.trees[tree]?.names = wanted }
    }

    /// Starts a name server, anew when it is to know something else.
    private func serveNames(
        _ kind: NameServer.Kind,
        of tree: MachineID,
        allowedNames: [String],
        tools: NetworkTools
    ) async throws {
        let server = NameServer(kind: kind, directory: names.directory(of: tree))
        let text = server.configuration(router: router, resolvers: resolvers, allowedNames: allowedNames)
        guard state.withLock({ $0.trees[tree]?.configurations[kind] }) != text else { return }
        if try await adopt(server, configuredBy: text, of: tree) { return }
        // Its end is no news.
        state.withLock { $0.trees[tree]?.configurations[kind] = nil }
        try await server.stop()
        try await BlockingPool.run { [self] in try writeReadable(text, to: server.configurationFile) }
        try await tools.startNameServer(server.configurationFile, in: names.path(of: .tree(tree)))
        _ = try await adopt(server, configuredBy: text, of: tree)
    }

    /// Takes note of a name server that runs with this configuration. It was stopped before its file was changed, so that
    /// one that runs has read it.
    private func adopt(_ server: NameServer, configuredBy text: String, of tree: MachineID) async throws -> Bool {
        let process = try await BlockingPool.run {
            let current = try? HostFile.readText(server.configurationFile, limitInBytes: text.utf8.count + 1)
            return current == text ? server.process() : nil
        }
        guard let process else { return false }
        let kind = server.kind
        state.withLock { $0.trees[tree]?.configurations[kind] = text }
        process.onExit { [weak self] exit in self?.nameServerEnded(kind, of: tree, text, exit) }
        return true
    }

    /// One that ends by itself is started again.
    private func nameServerEnded(_ kind: NameServer.Kind, of tree: MachineID, _ text: String, _ exit: ProcessExit) {
        let isWanted = state.withLock { state in
            guard state.trees[tree]?.configurations[kind] == text else { return false }
            state.trees[tree]?.configurations[kind] = nil
            return true
        }
        guard isWanted else { return }
        logger.warning("name server ended", metadata: ["tree.id": "\(tree)", "process.exit": "\(exit)"])
        // Owned by nobody: it ends by itself, and what it makes is the tree's.
        Task {
            do {
                let tools = try NetworkTools()
                try await changing.withLock {
                    guard state.withLock({ $0.trees[tree] }) != nil else { return }
                    try await apply(tree, tools: tools)
                }
            } catch {
                logger.error("name server not started", metadata: ["tree.id": "\(tree)", "error": "\(error)"])
            }
        }
    }

    /// Removes a tree's network, and with the last one what the trees share. Goes on after a step that fails, and throws
    /// the first failure.
    func removeTree(_ tree: MachineID, tools: NetworkTools) async throws {
        let uplink = state.withLock { $0.trees.removeValue(forKey: tree)?.uplink }
        let directory = names.directory(of: tree)
        var failures: [any Error] = []
        for kind in NameServer.Kind.allCases {
            do {
                try await NameServer(kind: kind, directory: directory).stop()
            } catch {
                failures.append(error)
            }
        }
        do {
            if let uplink, if_nametoindex(names.hostPort(uplink)) != 0 {
                try await tools.links(["link delete \(names.hostPort(uplink))"])
            }
            try await BlockingPool.run { [namespaces] in
                try namespaces.remove(.tree(tree))
                if access(directory.string, F_OK) == 0 { try FileManager.default.removeItem(atPath: directory.string) }
            }
        } catch {
            failures.append(error)
        }
        if state.withLock({ $0.trees.isEmpty }) { try await removeHost(tools) }
        if let failure = failures.first { throw failure }
    }

    func removeHost(_ tools: NetworkTools) async throws {
        state.withLock { $0.isHostReady = false }
        if if_nametoindex(names.hostBridge) != 0 { try await tools.links(["link delete \(names.hostBridge)"]) }
        let rules = HostRules(names: names, uplinks: uplinks, resolvers: [])
        try await tools.rules(rules.removal)
        rmdir(names.directory.string)
    }

    /// The place of a tree that an earlier daemon made.
    func recordedUplink(of tree: MachineID) -> UInt32? {
        let file = names.directory(of: tree).appending(Self.uplinkFile)
        return (try? HostFile.readText(file, limitInBytes: 32)).flatMap { UInt32($0.prefix { $0 != "\n" }) }
    }

    /// Name servers do not run as root.
    private func makeReadableDirectory(_ path: FilePath) throws {
        guard mkdir(path.string, 0o755) == 0 || errno == EEXIST else {
            throw HostError("make", path, errno: Errno(rawValue: errno))
        }
        chmod(path.string, 0o755)
    }

    private func writeReadable(_ text: String, to path: FilePath) throws {
        // Name servers look at no file that begins with a dot.
        let draft = path.removingLastComponent().appending(".\(path.lastComponent?.string ?? "")")
        try HostFile.remove(draft)
        try HostFile.create(draft, bytes: Array(text.utf8))
        guard chmod(draft.string, 0o644) == 0, rename(draft.string, path.string) == 0 else {
            throw HostError("write", path, errno: Errno(rawValue: errno))
        }
    }
}
