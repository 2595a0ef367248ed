import Foundation
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// Commands in guests, through the command line and the client.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Exec {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        private func machine() async throws -> MachineID {
            if let machine = try await client.machines().first { return machine.vm_id }
            return try await client.newTiny()
        }

        @Test func `streams stay apart and the exit code is ours`() async throws {
            let vm = try await machine().text
            let result = try await instance.vers(["exec", vm, "--", "sh", "-c", "echo out; echo err >&2; exit 7"])
            #expect(result.status == 7)
            #expect(result.stdout == "out\n")
            #expect(result.stderr == "err\n")
            #expect(try await instance.vers(["exec", vm, "--", "true"]).status == 0)
            #expect(try await instance.vers(["exec", vm, "--", "sh", "-c", "kill -9 $$"]).status == 137)
            #expect(try await instance.vers(["exec", vm, "--", "/no/such/program"]).status == 127)
        }

        @Test func `one word is a shell line, several are passed on as they are`() async throws {
            let vm = try await machine().text
            #expect(try await instance.vers(["exec", vm, "echo a b | tr a-z A-Z"]).stdout == "A B\n")
            #expect(
                try await instance.vers(["exec", vm, "--", "echo", "a  b", "$HOME", "'q'"]).stdout == "a  b $HOME 'q'\n"
            )
        }

        @Test func `stdin reaches the command, and its end too`() async throws {
            let vm = try await machine().text
            let text = (0..<20_000).map { "line \($0)" }.joined(separator: "\n") + "\n"
            let result = try await instance.vers(["exec", "-i", vm, "--", "cat"], stdin: text)
            #expect(result.status == 0)
            #expect(result.stdout == text)
            #expect(try await instance.vers(["exec", vm, "--", "cat"]).stdout == "")
        }

        @Test func `environment and working directory are the command's`() async throws {
            let vm = try await machine().text
            let result = try await instance.vers([
                "exec", "-w", "/usr", "-e", "MODE=te st", vm, "--", "sh", "-c", "pwd; echo $MODE",
            ])
            #expect(result.stdout == "/usr\nte st\n")
            let missing = try await instance.vers(["exec", "-w", "/none", vm, "--", "true"])
            #expect(missing.status != 0)
            #expect(missing.stderr.contains("/none"))
        }

        @Test func `a command that takes too long is ended, with all it started`() async throws {
            let vm = try await machine()
            let result = try await instance.vers([
                "exec", "-t", "1", vm.text, "--", "sh", "-c", "sleep 4321 & sleep 4321",
            ])
            #expect(result.status == 6 || result.status == 124, "\(result)")
            try await eventually("the processes to be gone") {
                try await client.sh(vm, "pgrep -f 'sleep 4321' | grep -v $$ | wc -l") == "0"
            }
        }

        @Test(arguments: [SIGINT, SIGTERM]) func `signals are passed on`(number: Int32) async throws {
            let vm = try await machine()
            let name = number == SIGINT ? "INT" : "TERM"
            try await client.sh(vm, "rm -f /tmp/trap-ready")
            let script =
                "trap 'echo caught \(name); exit 3' \(name); touch /tmp/trap-ready; while :; do sleep 0.1; done"
            let run = try instance.startVers(["exec", vm.text, "--", "sh", "-c", script])
            defer { run.forget() }
            try await eventually("the command to be there") {
                try await client.sh(vm, "ls /tmp/trap-ready 2>/dev/null || true") != ""
            }
            run.signal(number)
            let result = try await run.result(within: .seconds(60))
            #expect(result.stdout == "caught \(name)\n")
            #expect(result.status == 3)
        }

        @Test func `a pseudo-terminal has a size that can change, and echoes`() async throws {
            let vm = try await machine()
            let request = ExecRequest(
                command: [
                    "sh", "-c", "stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.1; done",
                ],
                tty: TerminalSize(columns: 91, rows: 17)
            )
            let stream = try await client.stream(request, in: vm)
            var text = ""
            var code: Int32?
            var isResized = false
            for try await event in stream {
                switch event {
                case .chunk(_, let data, _, _, _):
                    text += String(decoding: data, as: UTF8.self)
                    if text.contains("ready"), !isResized {
                        isResized = true
                        try await client.resizeTerminal(
                            of: stream.execID,
                            in: vm,
                            to: TerminalSize(columns: 132, rows: 50)
                        )
                    }
                case .exit(let status, _, _): code = status
                case .error(let code, let message): throw VersError(code, message)
                }
            }
            #expect(code == 5)
            #expect(text.contains("17 91\r\n"))
            #expect(text.contains("50 132\r\n"))
        }

        @Test func `a command that ran at the branch is attached to in parent and child`() async throws {
            let parent = try await client.newTiny()
            let request = ExecRequest(
                command: ["sh", "-c", "echo before; read line; echo \"read $line\"; exit 4"],
                keep_stdin_open: true
            )
            let exec = try await client.stream(request, in: parent).execID
            try await eventually("the command to write") {
                try await client.logs(of: parent).entries.contains { $0.exec_id == exec }
            }
            let child = try await client.branch(parent)[0]
            for (machine, word) in [(child, "child"), (parent, "parent")] {
                try await client.sendInput(Array("\(word)\n".utf8), to: exec, in: machine, endOfInput: true)
                var text = ""
                var code: Int32?
                for try await event in try await client.attach(AttachRequest(exec_id: exec), in: machine) {
                    switch event {
                    case .chunk(_, let data, _, _, _): text += String(decoding: data, as: UTF8.self)
                    case .exit(let status, _, _): code = status
                    case .error(let code, let message): throw VersError(code, message)
                    }
                }
                #expect(text == "before\nread \(word)\n")
                #expect(code == 4)
            }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `much output arrives whole and in order`() async throws {
            let vm = try await machine().text
            let result = try await instance.vers(["exec", vm, "--", "seq", "300000"])
            #expect(result.status == 0)
            #expect(result.lines.count == 300_000)
            #expect(result.lines.last == "300000")
        }

        @Test func `files are written and read as they are`() async throws {
            let vm = try await machine()
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            try await client.writeFile(bytes, to: "/root/new/dir/file", in: vm, mode: 0o750, createDirectories: true)
            #expect(try await client.readFile("/root/new/dir/file", in: vm) == bytes)
            #expect(try await client.sh(vm, "stat -c %a /root/new/dir/file; ls -A /root/new/dir") == "750\nfile")
            let missing = try await client.refusal { try await $0.writeFile([1], to: "/none/file", in: vm) }
            #expect(missing.code == .notFound)
            #expect(missing.message.contains("/none"))
        }
    }
}
