internal import SystemPackage
import VersAPI

/// The VM that commands in this directory act on: one id in `.vers/HEAD`, empty when unset.
///
/// Only the working directory is looked at, never its parents.
struct HeadFile {
    let path: FilePath

    init(_ context: CommandContext) { path = context.workingPath.appending(".vers/HEAD") }

    /// Nil when unset.
    /// - Throws: `.invalidArgument` when the file holds something else than an id.
    func read() throws -> MachineID? {
        let text = try UserFile.read(path)?.trimmed ?? ""
        guard !text.isEmpty else { return nil }
        guard let id = MachineID(text) else {
            throw VersError(
                .invalidArgument,
                "\(path) holds '\(text.prefix(64))': expected a VM id",
                hint: "set it again with 'vers checkout <vm>'"
            )
        }
        return id
    }

    /// Whether this directory has a HEAD file, set or not.
    func exists() throws -> Bool { try UserFile.read(path) != nil }

    /// - Throws: `.notFound` when unset.
    func require() throws -> MachineID {
        if let id = try read() { return id }
        throw VersError(
            .notFound,
            try exists() ? "no VM given and HEAD is empty" : "no VM given and HEAD not found in this directory",
            hint: "name a VM, start one with 'vers run', or choose one with 'vers checkout <vm>'"
        )
    }

    func write(_ id: MachineID?) throws { try UserFile.replace(path, with: id.map { $0.text + "\n" } ?? "") }
}
