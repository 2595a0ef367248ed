import Foundation
import Synchronization
import SystemPackage
import Testing
import VersAPI
import VersClient

/// An instance in a directory of its own: a home with images, a daemon from the real program, and a client.
///
/// Nothing of it is left afterwards, and that is checked: VMs are deleted as a person would, the daemon is ended, and
/// then there must be no process in its directories and no file of a VM.
final class Instance: Sendable {
    @TaskLocal static var shared: Instance?

    let root: FilePath
    let home: FilePath
    /// Where `vers` is run: HEAD is a file below.
    let work: FilePath
    private let images: [String]
    /// The network namespace that its programs run in, when it is another than the test's.
    private let namespace: FilePath?
    private let daemonOptions: [String]
    /// Who the daemon runs as, when that is another than the test's user.
    private let user: UInt32?
    /// Where the daemon's output goes.
    private let output: FilePath
    private let state = Mutex(State())

    private struct State {
        var daemon: RunningProgram?
        var clients: [VersClient] = []
        var isFailed = false
    }

    /// The instance of the suite, which its trait makes.
    static var current: Instance {
        get throws { try #require(shared, "the suite has no .instance trait") }
    }

    /// Runs `body` with an instance whose daemon runs, and removes everything.
    static func run(
        images: [String] = ["tiny"],
        root: FilePath? = nil,
        startsDaemon: Bool = true,
        namespace: FilePath? = nil,
        daemonOptions: [String] = [],
        user: UInt32? = nil,
        output: FilePath? = nil,
        _ body: (Instance) async throws -> Void
    ) async throws {
        let instance = try Instance(
            images: images,
            root: root,
            namespace: namespace,
            daemonOptions: daemonOptions,
            user: user,
            output: output
        )
        do {
            if startsDaemon { try await instance.startDaemon() }
            try await body(instance)
            try await instance.deleteEverything()
        } catch {
            instance.printLogs(because: "\(error)")
            await instance.close()
            instance.removeFiles()
            throw error
        }
        await instance.close()
        instance.expectNothingLeft()
        instance.removeFiles()
    }

    private init(
        images: [String],
        root: FilePath?,
        namespace: FilePath?,
        daemonOptions: [String],
        user: UInt32?,
        output: FilePath?
    ) throws {
        self.namespace = namespace
        self.daemonOptions = daemonOptions
        self.user = user
        let name = "vers-it-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        self.root = root ?? TestEnvironment.directory.appending(name)
        self.images = images
        self.output = output ?? self.root.appending("daemon")
        home = self.root.appending("home")
        work = self.root.appending("work")
        for directory in [home, work, self.root.appending("user")] {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }
        for image in images { try install(image) }
        if let user { try #require(chown(home.string, user, user) == 0) }
    }

    /// Images are shared with the cache by hard links, or copied to another filesystem: a VM's own user may not get to
    /// where a symbolic link leads.
    private func install(_ image: String) throws {
        let files = FileManager.default
        let source = try #require(TestEnvironment.images).appending(image)
        let target = home.appending("images").appending(image)
        let build = try files.destinationOfSymbolicLink(atPath: source.appending("current").string)
        try files.createDirectory(atPath: target.appending(build).string, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: source.appending(build).string) {
            let from = source.appending(build).appending(name).string
            let to = target.appending(build).appending(name).string
            if link(from, to) == 0 { continue }
            let copy = Process()
            copy.executableURL = URL(fileURLWithPath: "/bin/cp")
            copy.arguments = ["--archive", "--sparse=always", from, to]
            try copy.run()
            copy.waitUntilExit()
            try #require(copy.terminationStatus == 0)
        }
        try files.createSymbolicLink(atPath: target.appending("current").string, withDestinationPath: build)
    }

    // MARK: The daemon

    /// Starts the daemon and returns when it says that it is ready.
    @discardableResult
    func startDaemon(fault: String? = nil) async throws -> RunningProgram {
        let pipe = Pipe()
        var environment = environment
        environment["VERS_FAULT_STEP"] = fault
        let (executable, arguments) = daemonCommand(
            ["--home", home.string, "--listen", "127.0.0.1:0", "--ready-fd", "1", "--log-level", "debug"]
                + daemonOptions
        )
        let daemon = try RunningProgram(
            executable,
            arguments,
            environment: environment,
            directory: root,
            stdout: pipe.fileHandleForWriting,
            output: output
        )
        state.withLock { $0.daemon = daemon }
        try pipe.fileHandleForWriting.close()
        // Ends with the daemon, too.
        let answer = try await pipe.firstData()
        guard String(decoding: answer, as: UTF8.self).hasPrefix("ready") else {
            throw TestFailure("versd did not become ready: \(daemon.stderr.suffix(2000))")
        }
        return daemon
    }

    private func daemonCommand(_ arguments: [String]) -> (FilePath, [String]) {
        guard let user else { return command("versd", arguments) }
        let executable = TestEnvironment.binaries.appending("versd").string
        let words = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--", executable]
        let enter = namespace.map { ["/usr/bin/nsenter", "--net=\($0)"] } ?? []
        let line = enter + words + arguments
        return (FilePath(line[0]), Array(line.dropFirst()))
    }

    /// How a program of ours is run.
    func command(_ name: String, _ arguments: [String]) -> (FilePath, [String]) {
        let executable = TestEnvironment.binaries.appending(name)
        guard let namespace else { return (executable, arguments) }
        return ("/usr/bin/nsenter", ["--net=\(namespace)", executable.string] + arguments)
    }

    /// Ends the daemon: by a signal that asks, or one that does not.
    @discardableResult
    func endDaemon(_ signal: Int32 = SIGTERM, within limit: Duration = .seconds(60)) async throws -> ProgramResult? {
        guard let daemon = state.withLock({ state in state.daemon.take() }) else { return nil }
        daemon.signal(signal)
        return try await daemon.result(within: limit)
    }

    /// Waits for a daemon that ends by itself.
    func daemonEnd() async throws -> ProgramResult {
        let daemon = try #require(state.withLock { state in state.daemon.take() })
        return try await daemon.result(within: .seconds(120))
    }

    var daemonPID: Int32? { state.withLock { $0.daemon?.pid } }

    func restartDaemon(_ signal: Int32 = SIGTERM) async throws {
        try await endDaemon(signal)
        try await startDaemon()
    }

    // MARK: Talking to it

    var key: String {
        get throws {
            try String(contentsOfFile: home.appending("owner.key").string, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// A client over the Unix socket. Made anew for every daemon, and kept until the end.
    func client() throws -> VersClient {
        let client = try VersClient(unixSocket: home.appending("versd.sock"), apiKey: try key)
        state.withLock { $0.clients.append(client) }
        return client
    }

    var environment: [String: String] {
        [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": root.appending("user").string,
            "VERS_HOME": home.string,
            "LANG": "C.UTF-8",
        ]
    }

    // MARK: The end

    private func deleteEverything() async throws {
        guard state.withLock({ $0.daemon != nil }) else { return }
        let client = try client()
        let machines = try await client.machines()
        let all = Set(machines.map(\.vm_id))
        for machine in machines where !(machine.parent_vm_id.map { all.contains($0) } ?? false) {
            try await client.deleteMachine(machine.vm_id, recursive: true)
        }
        #expect(try await client.machines().isEmpty)
    }

    private func close() async {
        for client in state.withLock({ state in state.clients }) {
            // The daemon may be gone, which is no news here.
            try? await client.shutdown()
        }
        do {
            try await endDaemon()
        } catch {
            Issue.record(error, "the daemon did not end when it was asked to")
        }
    }

    private func expectNothingLeft() {
        let processes = Leftovers.processes(below: root)
        for process in processes { kill(process.pid, SIGKILL) }
        #expect(processes.isEmpty, "processes are left: \(processes)")
        #expect(Leftovers.names(in: home.appending("vms")) == [])
    }

    /// What its daemons have logged, one after the other.
    var log: String {
        String(
            decoding: FileManager.default.contents(atPath: output.appending("stderr").string) ?? Data(),
            as: UTF8.self
        )
    }

    func printLogs(because reason: String) {
        print("---- instance \(root) failed: \(reason)\n---- versd:\n\(log.suffix(12_000))")
        for machine in Leftovers.names(in: home.appending("vms")) {
            for name in ["qemu.log", "console.log", "run/console.log"] {
                let path = home.appending("vms/\(machine)/\(name)").string
                let text = String(
                    decoding: (FileManager.default.contents(atPath: path) ?? Data()).suffix(1500),
                    as: UTF8.self
                )
                print("---- \(machine)/\(name):\n\(text)")
            }
        }
        state.withLock { $0.isFailed = true }
    }

    private func removeFiles() {
        for process in Leftovers.processes(below: root) { kill(process.pid, SIGKILL) }
        guard !TestEnvironment.keepsFailedInstances || !state.withLock({ $0.isFailed }) else { return }
        do {
            try FileManager.default.removeItem(atPath: root.string)
        } catch {
            Issue.record(error, "\(root) could not be removed")
        }
    }
}
