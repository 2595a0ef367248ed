import Foundation
import VersAPI

/// The parts of Docker's and OCI's JSON documents that matter here. Unknown fields are ignored.
enum ImageDocuments {
    /// `manifest.json` of `docker save`: one element an image.
    struct SavedImage: Decodable {
        var Config: String
        var RepoTags: [String]?
        var Layers: [String]
    }

    /// An image index, a manifest list, or an image manifest.
    struct Manifest: Decodable {
        var mediaType: String?
        var config: Descriptor?
        var layers: [Descriptor]?
        var manifests: [Descriptor]?
    }

    struct Descriptor: Decodable {
        var mediaType: String?
        var digest: String
        var size: Int64
        var platform: Platform?
        var annotations: [String: String]?
        var urls: [String]?
    }

    struct Platform: Decodable {
        var architecture: String
        var os: String
        var variant: String?
    }

    /// The image configuration that every image has.
    struct Configuration: Decodable {
        struct Process: Decodable {
            var User: String?
            var ExposedPorts: [String: Empty]?
            var Env: [String]?
            var Entrypoint: [String]?
            var Cmd: [String]?
            var WorkingDir: String?
            var StopSignal: String?
        }

        struct Files: Decodable {
            var diff_ids: [String]
        }

        struct Empty: Decodable {}

        var architecture: String?
        var os: String?
        var config: Process?
        var rootfs: Files?
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], _ what: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw VersError(
                .invalidArgument,
                "\(what) of the image is not what it should be: \(error.shortened)",
                cause: error
            )
        }
    }
}

extension Error {
    /// Foundation's description of a decoding error, without the document that it may quote.
    fileprivate var shortened: String {
        switch self as? DecodingError {
        case .keyNotFound(let key, _): "field '\(key.stringValue.prefix(64))' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "field '\(context.codingPath.map(\.stringValue).joined(separator: ".").prefix(64))' has the wrong type"
        default: "it is no JSON"
        }
    }
}

/// The digest of a blob, which must be a SHA-256.
struct ContentDigest: Hashable {
    let hexadecimal: String

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0] == "sha256", parts[1].utf8.count == 64,
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            throw VersError.badArchive(
                "digest '\(text.prefix(80))' in the image: expected sha256: and 64 hexadecimal digits"
            )
        }
        hexadecimal = parts[1]
    }

    var text: String { "sha256:\(hexadecimal)" }
}
