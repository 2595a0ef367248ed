import SystemPackage
import VersAPI
import VersCore

/// Finds the image in an archive: what `docker save` writes, an OCI layout, or a bare root file system.
struct ArchiveImage {
    private let archive: FileRange
    private let budget: ArchiveBudget
    private let architecture: String
    /// Files of the archive by their name, the last of a name.
    private var members: [String: FileRange] = [:]
    private var links: [String: String] = [:]
    private var hasRootDirectories = false

    /// Reads the names in the archive.
    init(_ archive: FileRange, architecture: String, budget: ArchiveBudget) throws {
        self.archive = archive
        self.budget = budget
        self.architecture = architecture
        var reader = TarReader(archive, budget: ArchiveBudget(budget.limits))
        while let entry = try reader.next() { try add(entry) }
    }

    private mutating func add(_ entry: TarEntry) throws {
        let parts = entry.path.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
            .filter { $0 != "." }
        guard let first = parts.first else { return }
        if ["bin", "sbin", "etc", "usr"].contains(first) { hasRootDirectories = true }
        let name = parts.joined(separator: "/")
        switch entry.kind {
        case .file where entry.extents.count <= 1 && entry.size == entry.storedBytes:
            members[name] = entry.extents.first?.content ?? FileRange(file: archive.file, offset: 0, length: 0)
        // Older releases of Docker link equal layers to one another.
        case .symlink:
            let target = String(decoding: entry.target, as: UTF8.self)
            let base = FilePath(name).removingLastComponent()
            links[name] = base.pushing(FilePath(target)).lexicallyNormalized().string
        case .hardLink:
            links[name] = FilePath(String(decoding: entry.target, as: UTF8.self)).lexicallyNormalized().string
        default: break
        }
    }

    func image() throws -> SourceImage {
        if members["index.json"] != nil, members["oci-layout"] != nil { return try layoutImage() }
        if members["manifest.json"] != nil { return try savedImage() }
        guard hasRootDirectories else {
            throw VersError.badArchive(
                "the archive holds no image: expected manifest.json (docker save), index.json and oci-layout (OCI), "
                    + "or the directories of a root file system",
                hint: "write one with: docker save NAME -o FILE"
            )
        }
        return SourceImage(
            configuration: ImageConfiguration(),
            layers: [.init(content: archive)],
            isPlainRoot: true
        )
    }

    // MARK: docker save

    private func savedImage() throws -> SourceImage {
        let images = try ImageDocuments.decode(
            [ImageDocuments.SavedImage].self,
            try document("manifest.json"),
            "manifest.json"
        )
        guard let image = images.first, images.count == 1 else {
            throw VersError.badArchive(
                "the archive holds \(images.count) images: expected one",
                hint: "save one image: docker save NAME -o FILE"
            )
        }
        let bytes = try document(image.Config)
        // The file is named by its digest, bare or as a blob.
        let name = (image.Config.split(separator: "/").last.map(String.init) ?? "").replacing(".json", with: "")
        if let digest = try? ContentDigest("sha256:\(name)") {
            try Verification.check(bytes, digest, "the configuration")
        }
        let layers = try image.Layers.map { SourceImage.Layer(content: try member($0)) }
        return try ImageResolution.image(configuration: bytes, layers: layers, architecture: architecture)
    }

    // MARK: OCI

    private func layoutImage() throws -> SourceImage {
        let index = try ImageDocuments.decode(ImageDocuments.Manifest.self, try document("index.json"), "index.json")
        let manifest = try imageManifest(in: index, depth: 0)
        guard let config = manifest.config, let layers = manifest.layers else {
            throw VersError.badArchive("the manifest in the archive names no configuration and layers")
        }
        let bytes = try blob(config)
        return try ImageResolution.image(
            configuration: bytes,
            layers: try layers.map { layer in
                let content = try member(Self.path(of: layer))
                guard content.length == layer.size else { throw Verification.wrongSize(layer, content.length) }
                return SourceImage.Layer(content: content, digest: try ContentDigest(layer.digest))
            },
            architecture: architecture
        )
    }

    private func imageManifest(in index: ImageDocuments.Manifest, depth: Int) throws -> ImageDocuments.Manifest {
        if index.config != nil { return index }
        guard depth < 4 else { throw VersError.badArchive("the indexes in the archive are nested too deeply") }
        let descriptor = try ImageResolution.select(from: index.manifests ?? [], architecture: architecture)
        let manifest = try ImageDocuments.decode(ImageDocuments.Manifest.self, try blob(descriptor), "a manifest")
        return try imageManifest(in: manifest, depth: depth + 1)
    }

    private static func path(of descriptor: ImageDocuments.Descriptor) throws -> String {
        "blobs/sha256/\(try ContentDigest(descriptor.digest).hexadecimal)"
    }

    private func blob(_ descriptor: ImageDocuments.Descriptor) throws -> [UInt8] {
        let bytes = try document(try Self.path(of: descriptor))
        guard Int64(bytes.count) == descriptor.size else {
            throw Verification.wrongSize(descriptor, Int64(bytes.count))
        }
        try Verification.check(bytes, try ContentDigest(descriptor.digest), "a document")
        return bytes
    }

    // MARK: Members

    private func member(_ name: String) throws -> FileRange {
        var name = FilePath(name).lexicallyNormalized().string
        for _ in 0..<8 {
            if let content = members[name] { return content }
            guard let target = links[name] else { break }
            name = target
        }
        throw VersError.badArchive("the archive lacks '\(name.prefix(120))', which its manifest names")
    }

    private func document(_ name: String) throws -> [UInt8] {
        let content = try member(name)
        guard content.length <= Int64(budget.limits.documentBytes) else {
            throw VersError(
                .payloadTooLarge,
                "'\(name.prefix(120))' in the archive has \(content.length) bytes: expected at most "
                    + "\(budget.limits.documentBytes)"
            )
        }
        return try content.bytes(from: 0, count: Int(content.length))
    }
}
