import AsyncHTTPClient
import Foundation
import KeyMaterial
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import SystemPackage
import VersAPI
import VersCore

/// Fetches an image from a registry: the OCI distribution protocol, read only, without an account.
struct RegistryClient {
    private static let manifestTypes = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
    private static let attempts = 3
    /// Between two tries after a connection was lost.
    private static let pause = Duration.seconds(1)
    private static let maximumRedirects = 5

    private let reference: ImageReference
    private let origin: String
    private let transport: RegistryTransport
    private let limits: ArchiveLimits

    /// - Parameter isPlain: whether to speak HTTP without TLS.
    init(_ reference: ImageReference, isPlain: Bool, client: HTTPClient, limits: ArchiveLimits) {
        self.reference = reference
        origin = "\(isPlain ? "http" : "https")://\(reference.host)"
        transport = RegistryTransport(client: client, isPlain: isPlain, repository: reference.repository)
        self.limits = limits
    }

    /// The image for `architecture`, its layers in files of `directory`, every digest compared.
    func fetch(architecture: String, into directory: FilePath) async throws -> SourceImage {
        let digest = reference.isDigest ? try ContentDigest(reference.version) : nil
        let manifest = try await manifest(reference.version, digest, architecture: architecture, depth: 0)
        guard let config = manifest.config, let layers = manifest.layers else {
            throw VersError.badArchive("the registry's manifest names no configuration and layers")
        }
        guard layers.count <= limits.layers else {
            throw VersError(.payloadTooLarge, "the image has \(layers.count) layers: expected at most \(limits.layers)")
        }
        let total = layers.reduce(Int64(0)) { $0 &+ max(0, $1.size) }
        guard layers.allSatisfy({ $0.size >= 0 && $0.size <= limits.contentBytes }), total <= limits.contentBytes else {
            throw VersError(
                .payloadTooLarge,
                "the image's layers are larger than \(limits.contentBytes >> 20) MiB, the limit for this image"
            )
        }
        let configuration = try await document(blob: config)
        var found: [SourceImage.Layer] = []
        for (index, layer) in layers.enumerated() {
            let file = directory.appending("blob-\(index)")
            try await download(layer, to: file)
            found.append(.init(content: try SourceFile(file).whole, digest: try ContentDigest(layer.digest)))
        }
        return try ImageResolution.image(configuration: configuration, layers: found, architecture: architecture)
    }

    private func manifest(
        _ version: String,
        _ digest: ContentDigest?,
        architecture: String,
        depth: Int
    ) async throws -> ImageDocuments.Manifest {
        let url = "\(origin)/v2/\(reference.repository)/manifests/\(version)"
        let bytes = try await repeating {
            try await transport.get(url, accept: Self.manifestTypes, limit: limits.documentBytes)
        }
        if let digest { try Verification.check(bytes, digest, "the manifest") }
        let manifest = try ImageDocuments.decode(ImageDocuments.Manifest.self, bytes, "the manifest")
        if manifest.config != nil { return manifest }
        guard let choices = manifest.manifests, depth < 4 else {
            throw VersError.badArchive(
                "the registry has an image manifest of an old kind for '\(reference.repository)': expected version 2"
            )
        }
        let chosen = try ImageResolution.select(from: choices, architecture: architecture)
        return try await self.manifest(
            chosen.digest,
            try ContentDigest(chosen.digest),
            architecture: architecture,
            depth: depth + 1
        )
    }

    private func url(of blob: ImageDocuments.Descriptor) throws -> String {
        "\(origin)/v2/\(reference.repository)/blobs/\(try ContentDigest(blob.digest).text)"
    }

    private func document(blob: ImageDocuments.Descriptor) async throws -> [UInt8] {
        let url = try url(of: blob)
        let bytes = try await repeating {
            try await transport.get(url, accept: ["*/*"], limit: limits.documentBytes)
        }
        try Verification.check(bytes, try ContentDigest(blob.digest), "the configuration")
        return bytes
    }

    private func download(_ blob: ImageDocuments.Descriptor, to file: FilePath) async throws {
        let url = try url(of: blob)
        try await repeating {
            try? FileManager.default.removeItem(atPath: file.string)
            let spool = try SpoolFile(file, limit: blob.size)
            var length: Int64 = 0
            try await transport.stream(url) { buffer in
                length += Int64(buffer.readableBytes)
                guard length <= blob.size else { throw Verification.wrongSize(blob, length) }
                try buffer.withUnsafeReadableBytes { try spool.write($0) }
            }
            guard length == blob.size else { throw Verification.wrongSize(blob, length) }
        }
    }

    /// Tries again what failed on the way.
    private func repeating<Value>(_ body: () async throws -> Value) async throws -> Value {
        for _ in 1..<Self.attempts {
            do {
                return try await body()
            } catch let error as VersError where error.code == .unavailable {
                try await Task.sleep(for: Self.pause)
            }
        }
        return try await body()
    }
}
