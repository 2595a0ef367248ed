import Foundation
import Glibc
import HostSystem
import SystemPackage
import VersAPI
public import VersCore

/// Installed images: `images/<name>/<build>/{manifest.json, kernel, initramfs, root.raw}`, with `current` pointing at
/// the newest build. Builds are immutable; older ones stay, because disks rest on them. Images that organisations had
/// made lie apart, in directories of their ids, and have one build each.
public struct ImageDirectory: ImageStoring {
    /// The link to the newest build.
    private static let newest = "current"
    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    public func image(named name: String) async throws -> BaseImage { try await load(name, build: Self.newest) }

    public func image(named name: String, build: String) async throws -> BaseImage {
        try await load(name, build: build)
    }

    public func installed() async throws -> [BaseImage] {
        let images = layout.images
        return try await BlockingPool.run {
            // One that cannot be read is reported when it is asked for by its name.
            Self.names(in: images).filter(Self.isSafeComponent).compactMap {
                try? Self.read(images.appending($0).appending(Self.newest), named: $0)
            }
        }
    }

    private func load(_ name: String, build: String) async throws -> BaseImage {
        guard Self.isSafeComponent(name), Self.isSafeComponent(build) else {
            throw VersError(
                .invalidArgument,
                "invalid image name '\(name.prefix(80))': expected letters, digits, '.', '_' or '-'"
            )
        }
        let layout = layout
        let images = layout.images
        return try await BlockingPool.run {
            let imported = BaseImageID(build).map { layout.directory(of: $0) }
            if let imported, access(imported.string, F_OK) == 0 { return try Self.read(imported, named: name) }
            let link = images.appending(name).appending(build)
            guard access(link.appending(ImageManifest.fileName).string, F_OK) == 0 else {
                throw build == Self.newest ? Self.notFound(name, in: images) : Self.missing(name, link)
            }
            return try Self.read(link, named: name)
        }
    }

    private static func notFound(_ name: String, in images: FilePath) -> VersError {
        let installed = names(in: images)
        return VersError(
            .notFound,
            "image not found: '\(name)'",
            hint: installed.isEmpty
                ? "there is none in \(images) yet, make it: \(ImageRecipes.command(into: images))"
                : "there is: \(installed.joined(separator: ", "))"
        )
    }

    private static func missing(_ name: String, _ build: FilePath) -> VersError {
        VersError(
            .internal,
            "'\(build)' is missing: disks rest on this build of image '\(name)'",
            hint: "put it back; VMs of that build cannot start without it"
        )
    }

    /// The image whose manifest is in `directory`.
    private static func read(_ directory: FilePath, named name: String) throws -> BaseImage {
        let path = directory.appending(ImageManifest.fileName)
        let manifest: ImageManifest
        do {
            manifest = try JSONDecoder().decode(
                ImageManifest.self,
                from: try Data(contentsOf: URL(filePath: path.string))
            )
        } catch {
            throw VersError(
                .incompatible,
                "\(path) is not an image manifest",
                hint: "make the image again",
                cause: error
            )
        }
        guard manifest.format == ImageManifest.currentFormat else {
            throw VersError(
                .incompatible,
                "image '\(name)' has format \(manifest.format): expected \(ImageManifest.currentFormat)"
            )
        }
        // `current` is a link; what is made from the image must name the build itself.
        let build =
            directory.lastComponent?.string == newest
            ? directory.removingLastComponent().appending(manifest.build_id) : directory
        return BaseImage(
            name: name,
            build: manifest.build_id,
            kernel: build.appending(manifest.kernel),
            initramfs: build.appending(manifest.initramfs),
            disk: build.appending(manifest.disk),
            diskMiB: manifest.disk_size_mib,
            hasWorkload: manifest.has_workload ?? false,
            createdAt: manifest.created_at.flatMap(RFC3339.date)
        )
    }

    /// Of the images that have a build.
    private static func names(in images: FilePath) -> [String] {
        // A directory that cannot be read offers nothing, and the error about the image says the rest.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: images.string)) ?? []
        return names.sorted().filter {
            FileManager.default.fileExists(atPath: images.appending($0).appending(newest).string)
        }
    }

    private static func isSafeComponent(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "._-".utf8.contains($0)
            }
    }
}
