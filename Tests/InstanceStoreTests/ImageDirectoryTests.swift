import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import InstanceStore

struct ImageDirectoryTests {
    private let instance: TemporaryInstance
    private let images: ImageDirectory

    init() throws {
        instance = try TemporaryInstance()
        images = ImageDirectory(layout: instance.layout)
    }

    private func install(_ name: String, build: String, format: Int = 1) throws {
        let files = FileManager.default
        let image = instance.layout.images.appending(name)
        let directory = image.appending(build)
        try files.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let manifest = """
            {"format":\(format),"name":"\(name)","build_id":"\(build)","kernel":"kernel","initramfs":"initramfs",
             "disk":"root.raw","disk_format":"raw","disk_size_mib":64,"unknown":"later"}
            """
        try manifest.write(toFile: directory.appending("manifest.json").string, atomically: true, encoding: .utf8)
        let link = image.appending("current").string
        try? files.removeItem(atPath: link)
        try files.createSymbolicLink(atPath: link, withDestinationPath: build)
    }

    @Test func `the newest build is found, and an older one by its id`() async throws {
        try install("tiny", build: "b1")
        try install("tiny", build: "b2")
        let newest = try await images.image(named: "tiny")
        #expect(newest.build == "b2")
        #expect(newest.disk == instance.layout.images.appending("tiny/b2/root.raw"))
        #expect(newest.kernel.lastComponent == "kernel")
        #expect(newest.diskMiB == 64)
        #expect(try await images.image(named: "tiny", build: "b1").build == "b1")
    }

    @Test func `a missing image says how to make it`() async throws {
        let error = await #expect(throws: VersError.self) { _ = try await images.image(named: "nope") }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("'nope'") == true)
        #expect(error?.hint != nil)
    }

    @Test func `a missing build is named`() async throws {
        try install("tiny", build: "b1")
        let error = await #expect(throws: VersError.self) { _ = try await images.image(named: "tiny", build: "b9") }
        #expect(error?.code == .internal)
        #expect(error?.message.contains("b9") == true)
    }

    @Test(arguments: [
        "", ".", "..", "../tiny", "a/b", ".hidden", "ti\u{0}ny", "naïve", String(repeating: "a", count: 65),
    ])
    func `names that could leave the directory are refused`(name: String) async throws {
        let error = await #expect(throws: VersError.self) { _ = try await images.image(named: name) }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `a later format is refused`() async throws {
        try install("tiny", build: "b1", format: 2)
        let error = await #expect(throws: VersError.self) { _ = try await images.image(named: "tiny") }
        #expect(error?.code == .incompatible)
    }

    @Test func `a damaged manifest is an error of its own, not a missing image`() async throws {
        try install("tiny", build: "b1")
        let path = instance.layout.images.appending("tiny/b1/manifest.json").string
        try "{".write(toFile: path, atomically: true, encoding: .utf8)
        let error = await #expect(throws: VersError.self) { _ = try await images.image(named: "tiny") }
        #expect(error?.code == .incompatible)
        #expect(error?.message.contains("manifest.json") == true)
    }
}
