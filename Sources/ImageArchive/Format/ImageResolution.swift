import KeyMaterial
import VersAPI
import VersCore

/// What archives and registries have in common: choosing an image, and reading its configuration.
enum ImageResolution {
    /// The image for this machine in an index.
    static func select(
        from manifests: [ImageDocuments.Descriptor],
        architecture: String
    ) throws -> ImageDocuments.Descriptor {
        // Attestations stand beside images, for no platform. Two names of one image are one image.
        var images: [ImageDocuments.Descriptor] = []
        for image in manifests
        where image.platform?.architecture != "unknown" && !images.contains(where: { $0.digest == image.digest }) {
            images.append(image)
        }
        if images.count == 1, images[0].platform == nil { return images[0] }
        let fitting = images.filter {
            $0.platform?.os ?? "linux" == "linux" && $0.platform?.architecture == architecture
        }
        // A variant asks for more than every processor has.
        let plain = fitting.filter { $0.platform?.variant == nil }
        guard let chosen = plain.first ?? fitting.first else {
            let offered = images.map { "\($0.platform?.os ?? "?")/\($0.platform?.architecture ?? "?")".prefix(40) }
            throw VersError(
                .incompatible,
                "the image has no variant for linux/\(architecture): it has \(offered.prefix(8).joined(separator: ", "))"
            )
        }
        guard plain.count <= 1 else {
            throw VersError.badArchive(
                "there are \(plain.count) images for linux/\(architecture): expected one",
                hint: "save one image"
            )
        }
        return chosen
    }

    static func image(
        configuration bytes: [UInt8],
        layers: [SourceImage.Layer],
        architecture: String
    ) throws -> SourceImage {
        let document = try ImageDocuments.decode(ImageDocuments.Configuration.self, bytes, "the configuration")
        let (os, found) = (document.os ?? "linux", document.architecture ?? architecture)
        guard os == "linux", found == architecture else {
            throw VersError(
                .incompatible,
                "the image is for \(os.prefix(40))/\(found.prefix(40)): expected linux/\(architecture)"
            )
        }
        let diffIDs = try (document.rootfs?.diff_ids ?? []).map(ContentDigest.init)
        guard diffIDs.count == layers.count else {
            throw VersError.badArchive(
                "the image has \(layers.count) layers, and its configuration names \(diffIDs.count)"
            )
        }
        var layers = layers
        for index in layers.indices { layers[index].diffID = diffIDs[index] }
        return SourceImage(configuration: try configuration(document.config), layers: layers)
    }

    private static func configuration(_ process: ImageDocuments.Configuration.Process?) throws -> ImageConfiguration {
        guard let process else { return ImageConfiguration() }
        let configuration = ImageConfiguration(
            entrypoint: process.Entrypoint ?? [],
            command: process.Cmd ?? [],
            environment: process.Env ?? [],
            workingDirectory: process.WorkingDir ?? "",
            user: process.User ?? "",
            exposedPorts: (process.ExposedPorts ?? [:]).keys.sorted(),
            stopSignal: process.StopSignal ?? ""
        )
        let texts =
            configuration.arguments + configuration.environment
            + [configuration.workingDirectory, configuration.user, configuration.stopSignal]
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw VersError.badArchive("the image's configuration has a zero byte in a value")
        }
        return configuration
    }
}

/// Comparing content with the digest that names it.
enum Verification {
    static func check(_ bytes: [UInt8], _ digest: ContentDigest, _ what: String) throws {
        try compare(SHA256.digest(of: bytes), with: digest, what)
    }

    static func compare(_ found: [UInt8], with digest: ContentDigest, _ what: String) throws {
        guard found.hexadecimal == digest.hexadecimal else {
            throw VersError.badArchive(
                "\(what) of the image has the digest sha256:\(found.hexadecimal): expected \(digest.text)"
            )
        }
    }

    static func wrongSize(_ descriptor: ImageDocuments.Descriptor, _ found: Int64) -> VersError {
        .badArchive("blob \(descriptor.digest.prefix(80)) of the image has \(found) bytes: expected \(descriptor.size)")
    }
}
