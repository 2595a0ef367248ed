internal import Glibc
internal import HostSystem
internal import SystemPackage
internal import VersAPI

/// How guest memory is held on this host, and why.
struct MemoryChoice: Sendable {
    var mode: MemoryMode
    var reason: String
    /// With layers only.
    var library: MemoryLibrary?
}

/// Finds out whether the memory library can be loaded into a QEMU: it cannot into one that is linked statically, or that a
/// policy keeps from preloading.
struct MemoryLibraryProbe: Sendable {
    /// How the library ends a process that it does not understand (`give_up` in `interpose.c`).
    private static let refusal = ProcessExit.exited(code: 121)

    let executable: FilePath
    let library: FilePath
    let timeout: Duration

    /// - Throws: ``VersError`` `.unsupported` when layers are asked for and cannot be had.
    func choose(_ preference: MemoryPreference) async throws -> MemoryChoice {
        if preference == .copy { return MemoryChoice(mode: .copy, reason: "the configuration asks for it") }
        let obstacle: String
        do {
            let library = try MemoryLibrary(opening: self.library)
            guard let reason = await self.obstacle(to: library) else {
                return MemoryChoice(mode: .layers, reason: "the memory library loads into QEMU", library: library)
            }
            obstacle = reason
        } catch {
            obstacle = "\(error)"
        }
        guard preference == .automatic else {
            throw VersError(
                .unsupported,
                "guest memory cannot be held in layers: \(obstacle)",
                hint: "build libramlayers.so with `make build`, or start versd with --memory automatic"
            )
        }
        return MemoryChoice(mode: .copy, reason: obstacle)
    }

    /// Why the library cannot be used; nil when it can. A QEMU with it is told of memory in a file that does not exist:
    /// only the library would object.
    private func obstacle(to opened: MemoryLibrary) async -> String? {
        let process = DetachedProcess(
            executable: executable,
            arguments: ["--version"],
            environment: [
                "LD_PRELOAD": "/proc/self/fd/3", "VERS_RAM_FILE": "/nonexistent/ram", "VERS_RAM_SOCKET": "ram.sock",
            ],
            workingDirectory: "/",
            output: "/dev/null",
            inheritedDescriptors: [opened.descriptor]
        )
        do {
            let handle = try await BlockingPool.run { try process.start() }
            if let exit = await handle.waitForExit(timeout: timeout) {
                return exit == Self.refusal ? nil : "'\(library)' is not loaded into '\(executable)'"
            }
            try? handle.signal(SIGKILL)
            return "'\(executable)' with '\(library)' does not end"
        } catch {
            return "'\(executable)' does not start with '\(library)': \(error)"
        }
    }
}
