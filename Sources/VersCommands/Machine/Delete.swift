import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers delete`: VMs for good.
struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete VMs.",
        discussion: """
            A VM with children is kept unless --recursive, which deletes everything that descends from it. Commits \
            stay. Of several VMs, those that can be deleted are, and every failure is reported. Deleted VMs lose \
            their aliases, and HEAD is emptied when it was one of them.

            EXAMPLES
              vers kill web
              vers kill -y web db
              vers kill -r -y web
            """,
        aliases: ["kill"]
    )

    @Argument(help: "VMs: alias, id or the first characters of it; HEAD when absent.", completion: .machines)
    var vms: [String] = []
    @Flag(name: .shortAndLong, help: "Also delete everything that descends from them.")
    var recursive = false
    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    struct Failure: Encodable {
        var target: String
        var error: String
        var code: ErrorCode
        var hint: String?
    }

    struct Result: Encodable {
        var deleted: [MachineID] = []
        var failed: [Failure] = []
        var head_cleared = false
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            var deletion = Deletion(session: session, recursive: recursive)
            let targets = try await deletion.resolve(vms)
            if !targets.isEmpty, !yes { try await confirm(targets, session: session) }
            try await deletion.delete(targets, announces: format.format == nil && !quiet.quiet)
            let result = deletion.result
            let names = deletion.names
            try Rendering(json: result, ids: result.deleted.map(\.text)) { Self.text(of: result, names: names) }
                .write(to: context, format: format.format, quiet: quiet.quiet)
            if let code = result.failed.first?.code { throw ExitCode(code.exitStatus) }
        }
    }

    private func confirm(_ targets: [MachineID], session: Session) async throws {
        let what = recursive ? " and everything that descends from it" : ""
        for id in targets { session.context.warn("VM '\(session.name(of: id))'\(what) will be deleted") }
        try await Confirmation(context: session.context).ask("Proceed [y/N]: ")
    }

    static func text(of result: Result, names: [MachineID: String]) -> String {
        var lines = result.deleted.map { "\u{2713} VM '\(names[$0] ?? $0.text)' deleted" }
        if result.head_cleared { lines.append("HEAD cleared") }
        if result.deleted.count + result.failed.count > 1 {
            lines.append("\(result.deleted.count) deleted, \(result.failed.count) failed")
        }
        return lines.joined(separator: "\n")
    }
}

/// Deletes what it can and keeps account of the rest.
struct Deletion {
    let session: Session
    let recursive: Bool
    private(set) var result = Delete.Result()
    /// What deleted VMs were called, for the report: their aliases are gone by then.
    private(set) var names: [MachineID: String] = [:]

    init(session: Session, recursive: Bool) {
        self.session = session
        self.recursive = recursive
    }

    /// The VMs that `texts` name, descendants before their ancestors, so that a list of a whole tree can be deleted
    /// in any order.
    mutating func resolve(_ texts: [String]) async throws -> [MachineID] {
        guard !texts.isEmpty else { return try await session.resolver.machines([]) }
        var targets: [MachineID] = []
        for text in texts {
            do {
                let id = try await session.resolver.machine(text)
                if !targets.contains(id) { targets.append(id) }
            } catch let error as VersError where error.code == .notFound || error.code == .invalidArgument {
                record(error, of: text)
            }
        }
        guard targets.count > 1 else { return targets }
        let depths = Self.depths(of: try await session.client.machines())
        return targets.enumerated().sorted { lhs, rhs in
            let (left, right) = (depths[lhs.element] ?? 0, depths[rhs.element] ?? 0)
            return left == right ? lhs.offset < rhs.offset : left > right
        }.map(\.element)
    }

    mutating func delete(_ targets: [MachineID], announces: Bool) async throws {
        for (index, id) in targets.enumerated() where !result.deleted.contains(id) {
            let name = session.name(of: id)
            if announces, targets.count > 1 {
                session.context.note("[\(index + 1)/\(targets.count)] Deleting VM '\(name)'...")
            }
            do {
                let (client, recursive) = (session.client, recursive)
                let gone = try await session.context.progress("deleting \(name)") {
                    try await client.deleteMachine(id, recursive: recursive)
                }
                for id in gone { names[id] = session.name(of: id) }
                result.deleted += gone
                try forget(Set(gone))
            } catch let error as VersError {
                record(error, of: name)
            }
        }
    }

    private mutating func record(_ error: VersError, of target: String) {
        session.context.note("\u{2717} VM '\(target.withoutControlCharacters)' not deleted")
        session.context.report(error)
        result.failed.append(
            .init(target: target, error: error.message, code: error.code, hint: error.hint)
        )
    }

    private mutating func forget(_ gone: Set<MachineID>) throws {
        let head = HeadFile(session.context)
        if let current = try? head.read(), gone.contains(current) {
            try head.write(nil)
            result.head_cleared = true
        }
        try AliasFile(session.context).remove(gone)
    }

    private static func depths(of machines: [MachineSummary]) -> [MachineID: Int] {
        let parents = Dictionary(uniqueKeysWithValues: machines.map { ($0.vm_id, $0.parent_vm_id) })
        var depths: [MachineID: Int] = [:]
        for machine in machines {
            var path: [MachineID] = []
            var next: MachineID? = machine.vm_id
            while let id = next, depths[id] == nil, path.count <= machines.count {
                path.append(id)
                next = parents[id] ?? nil
            }
            var depth = next.flatMap { depths[$0] } ?? -1
            for id in path.reversed() {
                depth += 1
                depths[id] = depth
            }
        }
        return depths
    }
}
