internal import Foundation
internal import HostSystem
internal import Logging
package import QEMU
package import SystemPackage
internal import VersAPI
package import VersCore

/// An engine in a directory of its own, with the test guest's files and a commit of a guest that has booted.
package struct TestEngine: Sendable {
    package var root: FilePath
    package var hypervisor: any Hypervisor
    package var memoryMiB: Int
    package var diskMiB: Int { 256 }

    package init(
        root: FilePath,
        library: FilePath,
        accelerator: AcceleratorPreference,
        memory: MemoryPreference = .layers,
        memoryMiB: Int
    ) async throws {
        self.root = root
        self.memoryMiB = memoryMiB
        hypervisor = try await QEMUHypervisor(
            configuration: QEMUConfiguration(memoryLibrary: library, memory: memory, accelerator: accelerator),
            logger: Logger(label: "engine-tests") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// One whose freezes fork, in the same directory.
    package func withoutTracking() async throws -> TestEngine {
        try await TestEngine(
            root: root,
            library: root.appending("libramlayers.so"),
            accelerator: .tcg,
            memory: .forks,
            memoryMiB: memoryMiB
        )
    }

    /// The guest's kernel, initramfs and disk.
    package var image: FilePath { Self.image(in: root) }

    /// Builds the guest and the memory library.
    /// - Returns: the library.
    package static func build(in root: FilePath) throws -> FilePath {
        let here = FilePath(#filePath).removingLastComponent()
        let package = here.removingLastComponent().removingLastComponent()
        let image = image(in: root)
        try FileManager.default.createDirectory(atPath: image.string, withIntermediateDirectories: true)
        try Program.run(here.appending("Guest/build.sh"), [image.string])
        let library = root.appending("libramlayers.so")
        try Program.run(package.appending("Sources/RAMLayers/build.sh"), [library.string])
        return library
    }

    /// Boots a guest, commits it whole, and ends it.
    package func bootedCommit() async throws -> TestCommit {
        let place = try TestMachine.Place(engine: self)
        let disk = try await hypervisor.createDisk(
            in: place.directory,
            over: image.appending("root.raw"),
            sizeMiB: diskMiB
        )
        let vm = try await hypervisor.boot(place.launch(disk: disk))
        do {
            _ = try await GuestShell(vm.guestChannel).run("echo up", timeout: .seconds(120))
            let commit = try await TestCommit.freeze(vm, root: root, parent: nil, delta: .everything)
            await vm.terminate()
            return commit
        } catch {
            await vm.terminate()
            throw error
        }
    }

    private static func image(in root: FilePath) -> FilePath { root.appending("images/test/1") }
}
