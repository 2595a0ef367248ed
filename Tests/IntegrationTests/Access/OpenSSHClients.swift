import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

/// OpenSSH's clients, and what uses them, with nothing but what `vers ssh-config --write` has written.
struct OpenSSHClients {
    let instance: Instance
    let client: VersClient
    let machine: MachineID
    /// The VM's alias.
    let name: String

    private var configuration: String { "\(instance.root)/user/.ssh/config" }
    /// What programs that start ssh themselves are told to run.
    private var command: String { "ssh -F \(configuration)" }

    /// A new VM of an image.
    init(_ instance: Instance, image: String, named name: String) async throws {
        self.instance = instance
        self.name = name
        client = try instance.client()
        let started = try await instance.ok("run -q --rootfs \(image) -N \(name)")
        machine = try #require(MachineID(started.text))
        try await instance.ok("ssh-config --write")
    }

    // MARK: Running

    func start(
        _ program: String,
        _ arguments: [String],
        stdin: FileHandle? = nil,
        environment changes: [String: String] = [:]
    ) throws -> RunningProgram {
        try RunningProgram(
            FilePath("/usr/bin/\(program)"),
            arguments,
            environment: instance.environment.merging(changes) { $1 },
            directory: instance.work,
            stdin: stdin
        )
    }

    /// Lets a program of OpenSSH's run while `body` does. It ends with its stdin.
    ///
    /// It closes the descriptor by which `Foundation.Process` notices its end, which then waits for it and for nobody
    /// else; so a shell stands between.
    private func during(
        _ program: String,
        _ arguments: [String],
        _ body: (RunningProgram) async throws -> Void
    ) async throws {
        let own = program == "ssh" ? ["-F", configuration] : []
        let input = Pipe()
        let service = try start(
            "sh",
            ["-c", "\"$@\"; exit $?", "sh", program] + own + arguments,
            stdin: input.fileHandleForReading
        )
        defer { service.forget() }
        do {
            try await body(service)
        } catch {
            try input.fileHandleForWriting.close()
            throw error
        }
        try input.fileHandleForWriting.close()
        #expect(try await service.result(within: .seconds(20)).status == 0)
    }

    func ssh(_ arguments: String..., stdin: String? = nil) async throws -> ProgramResult {
        try await run("ssh", ["-F", configuration] + arguments, stdin: stdin)
    }

    @discardableResult
    func ok(
        _ program: String,
        _ arguments: String...,
        stdin: String? = nil,
        environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let own = program == "ssh" || program == "scp" || program == "sftp" ? ["-F", configuration] : []
        let result = try await run(program, own + arguments, stdin: stdin, environment: environment)
        try #require(result.status == 0, "\(program) \(arguments): \(result)", sourceLocation: sourceLocation)
        return result.stdout
    }

    private func run(
        _ program: String,
        _ arguments: [String],
        stdin: String?,
        environment: [String: String] = [:]
    ) async throws -> ProgramResult {
        var input: FileHandle?
        if let stdin {
            try write(stdin, to: "stdin")
            input = try FileHandle(forReadingFrom: URL(filePath: path("stdin")))
        }
        let running = try start(program, arguments, stdin: input, environment: environment)
        defer { running.forget() }
        return try await running.result(within: .seconds(120))
    }

    // MARK: Files here

    func path(_ name: String) -> String { instance.work.appending(name).string }

    func write(_ text: String, to name: String) throws {
        let directory = (path(name) as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
    }

    func read(_ name: String) -> String? { try? String(contentsOfFile: path(name), encoding: .utf8) }

    func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        try #require(status == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    // MARK: What every server must do

    func runsCommandsAndTerminals() async throws {
        #expect(try await ok("ssh", name, "echo $((6*7)); cat", stdin: "through") == "42\nthrough")
        let failed = try await ssh(name, "echo out; echo err >&2; exit 7")
        #expect(failed.status == 7 && failed.stdout == "out\n" && failed.stderr == "err\n")
        #expect(try await ok("ssh", "-tt", name, "tty").contains("/dev/pts/"))
        // Both names of the VM lead to it.
        #expect(try await ok("ssh", machine.text, "echo in") == "in\n")
    }

    func copiesFiles() async throws {
        try write("content", to: "out/a b")
        try await ok("scp", "-q", "-r", "-p", "out", "\(name):/root/in")
        try await ok("scp", "-q", "\(name):/root/in/a b", "fetched")
        #expect(read("fetched") == "content")
        let batch = """
            mkdir /root/sftp
            put "out/a b" /root/sftp/c
            rename /root/sftp/c /root/sftp/d
            ls -l /root/sftp

            """
        #expect(try await ok("sftp", "-q", "-b", "-", name, stdin: batch).contains("/root/sftp/d"))
        #expect(try await client.sh(machine, "cat /root/sftp/d") == "content")
    }

    /// One connection carries several sessions, which is what Ansible and editors make of it.
    func sharesConnections() async throws {
        let socket = "\(instance.root)/control"
        try write("shared", to: "shared")
        try await during("ssh", ["-M", "-S", socket, name, "cat"]) { _ in
            try await eventually("the master to listen") { access(socket, F_OK) == 0 }
            // The one does not end before the other.
            async let first = ok("ssh", "-S", socket, name, "until [ -e /tmp/second ]; do sleep 0.1; done; echo first")
            async let second = ok("ssh", "-S", socket, name, "echo second; : >/tmp/second")
            #expect(try await [first, second] == ["first\n", "second\n"])
            try await ok("scp", "-q", "-o", "ControlPath=\(socket)", "shared", "\(name):/root/shared")
            #expect(try await client.sh(machine, "cat /root/shared") == "shared")
        }
    }

    /// `-L`, `-R` and `-D` at once, and a script on stdin: how an editor brings its own server along.
    func forwardsPorts() async throws {
        let door = try #require(try await client.frontDoor().port)
        let (local, dynamic) = (try freePort(), try freePort())
        let (served, remote) = (20_000 + Int.random(in: 0..<10_000), 30_000 + Int.random(in: 0..<10_000))
        let script = """
            mkdir -p /www; cd /www
            if command -v python3 >/dev/null; then python3 -m http.server --bind 127.0.0.1 \(served) & else httpd -p \(served); fi
            """
        #expect(try await ssh("-T", name, "sh -s >/dev/null 2>&1", stdin: script).status == 0)
        let forwardings = [
            "-L", "127.0.0.1:\(local):127.0.0.1:\(served)", "-D", "127.0.0.1:\(dynamic)", "-R",
            "\(remote):127.0.0.1:\(door)",
        ]
        try await during("ssh", ["-T", "-o", "ExitOnForwardFailure=yes"] + forwardings + [name, "cat"]) { _ in
            try await eventually("the guest's service") {
                try await answer(at: local).hasPrefix("HTTP/1.")
            }
            #expect(try await answer(at: dynamic, behind: "localhost", port: served).hasPrefix("HTTP/1."))
            // The door says to plain HTTP that it wants TLS.
            let question = "printf 'GET / HTTP/1.0\\r\\n\\r\\n'"
            let asked = "exec 3<>/dev/tcp/127.0.0.1/\(remote) && \(question) >&3 && head -n 1 <&3"
            let there =
                "if command -v nc >/dev/null; then \(question) | nc 127.0.0.1 \(remote); else bash -c \"\(asked)\"; fi"
            #expect(try await client.sh(machine, there).hasPrefix("HTTP/1."))
        }
    }

    /// The first line of a service's answer to a request, perhaps through a SOCKS proxy.
    private func answer(at local: Int, behind host: String? = nil, port: Int = 0) async throws -> String {
        var script = "exec 3<>/dev/tcp/127.0.0.1/\(local)"
        if let host {
            let number = [UInt8(port >> 8), UInt8(port & 0xFF)]
            let request = [5, 1, 0, 3, UInt8(host.utf8.count)] + Array(host.utf8) + number
            let octal = request.map { String(format: "\\%03o", $0) }.joined()
            // A method, of which the proxy says two bytes; then the request, of which it says ten.
            script += "; printf '\\5\\1\\0' >&3; head -c 2 <&3 >/dev/null"
            script += "; printf '\(octal)' >&3; head -c 10 <&3 >/dev/null"
        }
        script += "; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3"
        let result = try await run("bash", ["-c", script], stdin: nil)
        // Nothing listens here before the session is there.
        return result.stdout
    }

    /// Only when it was asked for, and as long.
    func forwardsTheAgentOnDemand() async throws {
        let socket = "\(instance.root)/agent"
        try await during("ssh-agent", ["-a", socket, "cat"]) { _ in
            try await eventually("the agent to listen") { access(socket, F_OK) == 0 }
            let environment = ["SSH_AUTH_SOCK": socket]
            let question = "test -S \"${SSH_AUTH_SOCK-}\" && echo forwarded || echo none"
            #expect(try await ok("ssh", name, question, environment: environment) == "none\n")
            #expect(try await ok("ssh", "-A", name, question, environment: environment) == "forwarded\n")
        }
    }

    /// `rsync -a` both ways, where the guest has it.
    func synchronises() async throws {
        for index in 0..<20 { try write("file \(index)", to: "tree/\(index % 3)/\(index)") }
        try await ok("rsync", "-a", "--delete", "-e", command, "tree/", "\(name):/root/tree/")
        try await client.sh(machine, "cd /root/tree && echo changed >0/0 && rm 1/1 && ln -s 0/0 link")
        try await ok("rsync", "-a", "--delete", "-e", command, "\(name):/root/tree/", "tree/")
        #expect(read("tree/0/0") == "changed\n" && read("tree/1/1") == nil && read("tree/link") == "changed\n")
        #expect(read("tree/2/17") == "file 17")
    }

    /// A socket of the guest that has a path in place of a port.
    func forwardsSockets() async throws {
        let local = "\(instance.root)/forwarded"
        let server =
            "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/run/test.sock'); s.listen()"
            + "; print('ready', flush=True); c = s.accept()[0]; c.sendall(b'hello'); c.close()"
        try await during("ssh", ["-L", "\(local):/run/test.sock", name, "python3 -c \"\(server)\""]) { service in
            try await eventually("the service to listen") { service.stdout == "ready\n" }
            let client =
                "import socket; s = socket.socket(socket.AF_UNIX); s.connect('\(local)'); print(s.recv(5).decode())"
            #expect(try await ok("python3", "-c", client) == "hello\n")
        }
    }
}
