import Foundation
import HostSystem
import Logging
import QEMU
import SystemPackage
import VersAPI
import VersCore

/// What all engine tests share: the guest's files, the memory library, and a commit of a booted guest.
actor TestHost {
    static let shared = TestHost()
    static let memoryMiB = 256
    static let diskMiB = 256

    private var preparation: Task<Prepared, any Error>?

    struct Prepared: Sendable {
        var root: FilePath
        var hypervisor: any Hypervisor
        /// Of a guest that has booted.
        var booted: TestCommit
    }

    func prepared() async throws -> Prepared {
        if let preparation { return try await preparation.value }
        let task = Task { try await Self.prepare() }
        preparation = task
        return try await task.value
    }

    private static func prepare() async throws -> Prepared {
        let root = FilePath(NSTemporaryDirectory()).appending("vers-engine-tests-\(getpid())")
        try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: NSTemporaryDirectory() + "/vers-engine-tests-\(getpid())") }
        let sources = FilePath(#filePath).removingLastComponent().removingLastComponent()
        let package = sources.removingLastComponent().removingLastComponent()
        let image = root.appending("images/test/1")
        try FileManager.default.createDirectory(atPath: image.string, withIntermediateDirectories: true)
        try run(sources.appending("Guest/build.sh"), [image.string])
        let library = root.appending("libramlayers.so")
        try run(package.appending("Sources/RAMLayers/build.sh"), [library.string])
        let hypervisor = try await QEMUHypervisor(
            configuration: QEMUConfiguration(memoryLibrary: library, accelerator: .tcg),
            logger: Logger(label: "engine-tests")
        )
        return Prepared(root: root, hypervisor: hypervisor, booted: try await bootOnce(root, hypervisor))
    }

    private static func bootOnce(_ root: FilePath, _ hypervisor: QEMUHypervisor) async throws -> TestCommit {
        let machine = try TestMachine.Place(root: root)
        let base = root.appending("images/test/1/root.raw")
        let disk = try await hypervisor.createDisk(in: machine.directory, over: base, sizeMiB: diskMiB)
        let vm = try await hypervisor.boot(machine.launch(disk: disk))
        do {
            let shell = GuestShell(vm.guestChannel)
            _ = try await shell.run("echo up", timeout: .seconds(40))
            let commit = try await TestCommit.freeze(vm, root: root, parent: nil, delta: .everything)
            await vm.terminate()
            return commit
        } catch {
            print((try? String(contentsOfFile: machine.directory.appending("console.log").string, encoding: .utf8)) ?? "")
            await vm.terminate()
            throw error
        }
    }

    static func run(_ program: FilePath, _ arguments: [String], acceptable: Set<Int32> = [0]) throws {
        _ = try output(program, arguments, acceptable: acceptable)
    }

    /// What a program prints.
    static func output(_ program: FilePath, _ arguments: [String], acceptable: Set<Int32> = [0]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program.string)
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard acceptable.contains(process.terminationStatus) else {
            throw VersError(.internal, "\(program) \(arguments) ended with \(process.terminationStatus): \(text)")
        }
        return text
    }
}
