import Foundation
import GuestAgent
import Logging
import SystemPackage
import VersAPI
import VersCore

@testable import GuestConnection

/// The real agent on a thread of this process, behind a Unix socket in a directory of its own.
final class AgentFixture: Sendable {
    let socket: FilePath
    let directory: FilePath
    private let agent: Agent
    private let ended: DispatchSemaphore

    /// - Parameter hasToolbox: with the host's shell as the only tool.
    init(hasToolbox: Bool = false) throws {
        directory = FilePath("/tmp/vers-agent-test-\(UUID().uuidString)")
        socket = directory.appending("agent.sock")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let programs = directory.appending("programs").string
        if hasToolbox {
            try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(atPath: "\(programs)/busybox", withDestinationPath: "/bin/sh")
        }
        agent = try Agent(socket: socket.string, programs: hasToolbox ? programs : nil)
        let (agent, ended) = (agent, DispatchSemaphore(value: 0))
        self.ended = ended
        let thread = Thread {
            try? agent.serve()
            ended.signal()
        }
        thread.name = "vers-agent"
        thread.start()
    }

    deinit {
        agent.stop()
        ended.wait()
        try? FileManager.default.removeItem(atPath: directory.string)
    }

    func connect() async throws -> any GuestSession {
        try await AgentConnector(logger: Logger(label: "test")).connect(
            to: socket,
            of: MachineID(),
            deadline: .now + .seconds(20)
        )
    }
}

/// What a command said until its end.
struct Transcript {
    var stdout: [UInt8] = []
    var stderr: [UInt8] = []
    var exitCode: Int32?
    var cursors: [UInt64] = []

    var text: String { String(decoding: stdout, as: UTF8.self) }

    init(of exec: any GuestExec) async throws {
        while let event = try await exec.next() { add(event) }
    }

    private mutating func add(_ event: ExecEvent) {
        switch event {
        case .chunk(.stdout, let data, let cursor, _, _):
            stdout += data
            cursors.append(cursor)
        case .chunk(.stderr, let data, let cursor, _, _):
            stderr += data
            cursors.append(cursor)
        case .exit(let code, let cursor, _):
            exitCode = code
            cursors.append(cursor)
        case .error: break
        }
    }
}

extension GuestSession {
    func run(_ command: String, tty: TerminalSize? = nil) async throws -> Transcript {
        try await Transcript(of: execute(ExecRequest(command: ["sh", "-c", command], tty: tty)))
    }
}
