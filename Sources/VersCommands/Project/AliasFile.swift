import Foundation
internal import SystemPackage
import VersAPI

/// Names that this user gave to VMs: a flat JSON object in `~/.vers/aliases.json`. The server never sees them.
struct AliasFile {
    let path: FilePath

    init(_ context: CommandContext) { path = context.homePath.appending(".vers/aliases.json") }

    func read() throws -> [String: MachineID] {
        guard let text = try UserFile.read(path), !text.trimmed.isEmpty else { return [:] }
        do {
            let entries = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
            return entries.compactMapValues { MachineID($0) }
        } catch {
            throw VersError(
                .invalidArgument,
                "\(path) is not a JSON object of names and VM ids",
                hint: "repair or remove the file",
                cause: error
            )
        }
    }

    /// The names of each VM, sorted.
    func namesByMachine() throws -> [MachineID: [String]] {
        Dictionary(grouping: try read(), by: \.value).mapValues { $0.map(\.key).sorted() }
    }

    /// Takes the name from whichever VM had it.
    /// - Returns: that VM; nil when it had none, or this one had it already.
    @discardableResult
    func set(_ name: String, to id: MachineID) throws -> MachineID? {
        try AliasName.validate(name)
        var former: MachineID?
        try change { former = $0.updateValue(id, forKey: name) }
        return former == id ? nil : former
    }

    /// Removes every name of these VMs.
    func remove(_ machines: Set<MachineID>) throws {
        guard try read().values.contains(where: machines.contains) else { return }
        try change { aliases in aliases = aliases.filter { !machines.contains($0.value) } }
    }

    /// Two commands that change aliases at once take turns.
    private func change(_ body: (inout [String: MachineID]) -> Void) throws {
        try FileLock.withExclusiveLock(on: path.removingLastComponent().appending("aliases.lock")) {
            var aliases = try read()
            body(&aliases)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(aliases.mapValues(\.text))
            try UserFile.replace(path, with: String(decoding: data, as: UTF8.self) + "\n")
        }
    }
}

extension CommandContext {
    /// Gives a VM a name, and says so when another VM loses it.
    func setAlias(_ name: String, to id: MachineID) throws {
        guard let former = try AliasFile(self).set(name, to: id) else { return }
        warn("alias '\(name)' named VM \(former) until now")
    }
}

/// The rule for names of VMs.
enum AliasName {
    /// - Throws: `.invalidArgument` unless `[A-Za-z0-9_][A-Za-z0-9._-]{0,63}` and not shaped like an id.
    static func validate(_ name: String) throws {
        guard (try? /[A-Za-z0-9_][A-Za-z0-9._\-]{0,63}/.wholeMatch(in: name)) != nil else {
            throw VersError(
                .invalidArgument,
                "invalid name '\(name.prefix(80))': expected 1 to 64 letters, digits, '.', '_' or '-', "
                    + "the first of them no '.' or '-'"
            )
        }
        guard MachineID(name) == nil else {
            throw VersError(.invalidArgument, "invalid name '\(name)': a name may not look like an id")
        }
    }
}
