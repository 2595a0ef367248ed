import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import InstanceStore

struct ImportedImageDirectoryTests {
    private let instance: TemporaryInstance
    private let files: ImportedImageDirectory
    private let id = BaseImageID()

    init() throws {
        instance = try TemporaryInstance()
        files = ImportedImageDirectory(layout: instance.layout)
    }

    private var directory: FilePath { instance.layout.directory(of: id) }

    private func write(_ text: String, _ path: FilePath) throws {
        try text.write(toFile: path.string, atomically: false, encoding: .utf8)
    }

    private func read(_ path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }

    private func base() throws -> BaseImage {
        let folder = instance.layout.images
        try write("the kernel", folder.appending("kernel"))
        try write("initramfs", folder.appending("initramfs"))
        return BaseImage(
            name: "default",
            build: "b1",
            kernel: folder.appending("kernel"),
            initramfs: folder.appending("initramfs"),
            disk: folder.appending("root.raw"),
            diskMiB: 64
        )
    }

    private func install() async throws {
        let build = try await files.prepare(id)
        try write("disk", build.appending(ImageBuildFile.disk))
        try write("workload", build.appending(ImageBuildFile.workload))
        let built = BuiltImage(diskMiB: 40, initPath: nil, configuration: ImageConfiguration(command: ["/app"]))
        try await files.install(id, name: "app", built: built, in: build, base: try base())
    }

    @Test func `an installed image is found by its id, and has only its files`() async throws {
        let archive = try await files.receiveArchive(for: id)
        try await archive.write(Array("bytes".utf8))
        try await archive.finish()
        #expect(try read(files.archive(of: id)) == "bytes")
        #expect(try await files.completed(id) == nil)
        try await install()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
        #expect(names == ["initramfs", "kernel", "manifest.json", "root.raw"])
        let image = try await ImageDirectory(layout: instance.layout).image(named: "app", build: id.text)
        #expect(image.build == id.text && image.diskMiB == 40 && image.hasWorkload)
        #expect(try read(image.kernel) == "the kernel" && read(image.disk) == "disk")
        // The second archive begins where the kernel expects it.
        #expect(try read(image.initramfs) == "initramfs\0\0\0workload")
        #expect(try await files.completed(id) == 40)
        #expect(try await files.all() == [id])
        try await files.remove(id)
        try await files.remove(id)
        #expect(!instance.exists(directory))
    }

    @Test func `what a build left is cleared for the next, but not the archive`() async throws {
        let archive = try await files.receiveArchive(for: id)
        try await archive.write([1])
        let first = try await files.prepare(id)
        try write("half", first.appending("root.raw"))
        try write("half", directory.appending("kernel"))
        let second = try await files.prepare(id)
        #expect(first != second && !instance.exists(first) && instance.exists(files.archive(of: id)))
        #expect(!instance.exists(directory.appending("kernel")))
    }

    @Test func `leftovers beside a complete image go`() async throws {
        try await install()
        try write("x", files.archive(of: id))
        #expect(try await files.completed(id) == 40)
        #expect(!instance.exists(files.archive(of: id)))
    }
}
