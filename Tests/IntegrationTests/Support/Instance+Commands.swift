import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension Instance {
    /// Runs `vers` as a person would, in the instance's working directory.
    func vers(
        _ arguments: [String],
        stdin: String? = nil,
        environment changes: [String: String] = [:],
        directory: FilePath? = nil,
        within limit: Duration = .seconds(240)
    ) async throws -> ProgramResult {
        var input: FileHandle?
        let file = root.appending("stdin-\(UUID().uuidString)")
        if let stdin {
            try stdin.write(toFile: file.string, atomically: false, encoding: .utf8)
            input = try FileHandle(forReadingFrom: URL(filePath: file.string))
        }
        let program = try startVers(arguments, stdin: input, environment: changes, directory: directory)
        defer { program.forget() }
        return try await program.result(within: limit)
    }

    func startVers(
        _ arguments: [String],
        stdin: FileHandle? = nil,
        environment changes: [String: String] = [:],
        directory: FilePath? = nil
    ) throws -> RunningProgram {
        let (executable, arguments) = command("vers", arguments)
        return try RunningProgram(
            executable,
            arguments,
            environment: environment.merging(changes) { $1 },
            directory: directory ?? work,
            stdin: stdin
        )
    }

    /// Writes a file in the working directory, and the directories to it.
    func writeFile(_ text: String, to name: String) throws {
        let path = work.appending(name)
        let directory = path.removingLastComponent().string
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try text.write(toFile: path.string, atomically: false, encoding: .utf8)
    }

    /// A file in the working directory; nil when there is none.
    func readFile(_ name: String) -> String? {
        try? String(contentsOfFile: work.appending(name).string, encoding: .utf8)
    }

    /// Runs `vers` with a line's words and expects success.
    @discardableResult
    func ok(
        _ line: String,
        _ more: String...,
        stdin: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramResult {
        let words = line.split(separator: " ").map(String.init) + more
        let result = try await vers(words, stdin: stdin)
        try #require(result.status == 0, "vers \(line) \(more): \(result)", sourceLocation: sourceLocation)
        return result
    }
}

extension VersClient {
    /// A root VM of the tiny image that runs.
    func newTiny(memoryMiB: Int = 128) async throws -> MachineID {
        try await createMachine(MachineConfiguration(mem_size_mib: memoryMiB, image_name: "tiny"), waitForBoot: true)
    }

    /// Runs a shell script in a VM and expects success.
    /// - Returns: what it wrote, without the last newline.
    @discardableResult
    func sh(
        _ machine: MachineID,
        _ script: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let request = ExecRequest(command: ["sh", "-c", script], timeout_secs: 120)
        let answer = try await execute(request, in: machine)
        try #require(
            answer.exit_code == 0,
            "'\(script)' in \(machine): status \(answer.exit_code), \(answer.stdout) \(answer.stderr)",
            sourceLocation: sourceLocation
        )
        return answer.stdout.trimmingCharacters(in: .newlines)
    }

    func state(of machine: MachineID) async throws -> MachineState { try await self.machine(machine).state }

    func waitUntil(_ machine: MachineID, is state: MachineState, within limit: Duration = .seconds(60)) async throws {
        try await eventually("vm \(machine) to be \(state)", within: limit) {
            try await self.state(of: machine) == state
        }
    }

    /// Starts a process that counts in its memory and shows the number in `/tmp/<name>`.
    func startCounter(_ machine: MachineID, name: String = "counter") async throws {
        let loop =
            "i=0; while :; do i=$((i+1)); echo $i >/tmp/\(name).new; mv /tmp/\(name).new /tmp/\(name); sleep 0.05; done"
        try await sh(machine, "(\(loop)) </dev/null >/dev/null 2>&1 &")
        try await eventually("the counter to count") { try await self.counter(machine, name: name) > 1 }
    }

    func counter(_ machine: MachineID, name: String = "counter") async throws -> Int {
        Int(try await sh(machine, "cat /tmp/\(name) 2>/dev/null || echo 0")) ?? 0
    }

    /// The error that `body` is refused with.
    func refusal(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (VersClient) async throws -> Void
    ) async throws -> VersError {
        let error = await #expect(throws: VersError.self, sourceLocation: sourceLocation) { try await body(self) }
        return try #require(error, sourceLocation: sourceLocation)
    }
}
