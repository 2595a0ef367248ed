import Foundation
import HostSystem
import SystemPackage
import VersAPI
public import VersCore

/// Installed images: `images/<name>/<build>/{manifest.json, kernel, initramfs, root.raw}`, with `current` pointing at
/// the newest build. Builds are immutable; older ones stay, because disks rest on them.
public struct ImageDirectory: ImageStoring {
    /// The part of an image's manifest that matters here.
    private struct Manifest: Decodable {
        static let fileName = "manifest.json"
        static let currentFormat = 1

        var format: Int
        var name: String
        var build_id: String
        var kernel: String
        var initramfs: String
        var disk: String
        var disk_size_mib: Int
    }

    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    public func image(named name: String) async throws -> BaseImage { try await load(name, build: "current") }

    public func image(named name: String, build: String) async throws -> BaseImage {
        try await load(name, build: build)
    }

    private func load(_ name: String, build: String) async throws -> BaseImage {
        guard isSafeComponent(name), isSafeComponent(build) else {
            throw VersError(
                .invalidArgument,
                "invalid image name '\(name.prefix(80))': expected letters, digits, '.', '_' or '-'"
            )
        }
        let images = layout.images
        return try await BlockingPool.run {
            let link = images.appending(name).appending(build)
            guard let manifest = try? Data(contentsOf: URL(filePath: link.appending(Manifest.fileName).string)) else {
                let installed = Self.names(in: images)
                throw VersError(
                    .notFound,
                    "image not found: '\(name)'\(build == "current" ? "" : " (build \(build))")",
                    hint: installed.isEmpty
                        ? "there is none in \(images) yet: make it with `make image`"
                        : "there is: \(installed.joined(separator: ", "))"
                )
            }
            let decoded: Manifest
            do {
                decoded = try JSONDecoder().decode(Manifest.self, from: manifest)
            } catch {
                throw VersError(
                    .incompatible,
                    "\(link.appending(Manifest.fileName)) is not an image manifest",
                    hint: "make the image again",
                    cause: error
                )
            }
            guard decoded.format == Manifest.currentFormat else {
                throw VersError(
                    .incompatible,
                    "image '\(name)' has format \(decoded.format): expected \(Manifest.currentFormat)"
                )
            }
            let directory = images.appending(name).appending(decoded.build_id)
            return BaseImage(
                name: name,
                build: decoded.build_id,
                kernel: directory.appending(decoded.kernel),
                initramfs: directory.appending(decoded.initramfs),
                disk: directory.appending(decoded.disk),
                diskMiB: decoded.disk_size_mib
            )
        }
    }

    /// Of the images that have a build.
    private static func names(in images: FilePath) -> [String] {
        // A directory that cannot be read offers nothing, and the error about the image says the rest.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: images.string)) ?? []
        return names.sorted().filter {
            FileManager.default.fileExists(atPath: images.appending($0).appending("current").string)
        }
    }

    private func isSafeComponent(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "._-".utf8.contains($0)
            }
    }
}
