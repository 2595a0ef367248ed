import Foundation
internal import SystemPackage
import VersAPI

/// `~/.versrc`: the API key that `vers login` saved. Keys of other tools in it are kept.
struct CredentialsFile {
    let path: FilePath

    init(_ context: CommandContext) { path = context.homePath.appending(".versrc") }

    /// Nil when there is none or it is blank.
    func apiKey() throws -> String? {
        guard let key = try fields()["apiKey"] as? String, !key.trimmed.isEmpty else { return nil }
        return key.trimmed
    }

    /// The file is readable by its owner only.
    func save(apiKey: String, other: [String: String] = [:]) throws {
        var fields = try fields()
        fields["apiKey"] = apiKey
        fields.merge(other) { $1 }
        let data = try JSONSerialization.data(withJSONObject: fields, options: [.prettyPrinted, .sortedKeys])
        try UserFile.replace(path, with: String(decoding: data, as: UTF8.self) + "\n", mode: .ownerReadWrite)
    }

    private func fields() throws -> [String: Any] {
        guard let text = try UserFile.read(path), !text.trimmed.isEmpty else { return [:] }
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw VersError(.invalidArgument, "\(path) is not a JSON object", hint: "repair or remove the file")
        }
        return object
    }
}
