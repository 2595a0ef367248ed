import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// `vers copy`, which goes over the agent's channel and needs nothing of the image.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Copies {
        private let instance: Instance

        init() throws { instance = try Instance.current }

        /// Made anew for each daemon.
        private var client: VersClient { get throws { try instance.client() } }

        private func machine() async throws -> MachineID {
            if let machine = try await client.machines().first { return machine.vm_id }
            return try await client.newTiny()
        }

        private func path(_ name: String) -> String { instance.work.appending(name).string }

        private func status(_ name: String) throws -> stat {
            var status = stat()
            try #require(lstat(path(name), &status) == 0, "there is no \(name)")
            return status
        }

        private func setTime(_ seconds: Int, of name: String) {
            utimes(path(name), [timeval(tv_sec: seconds, tv_usec: 0), timeval(tv_sec: seconds, tv_usec: 0)])
        }

        /// What copies leave behind here when they should not.
        private var leftovers: [String] {
            Leftovers.names(in: instance.work).filter { $0.hasPrefix(".vers-") || $0.hasSuffix(".vers-part") }
        }

        // MARK: Whole copies

        @Test func `files and directories are copied both ways`() async throws {
            let id = try await machine()
            try instance.writeFile("a", to: "tree/a")
            try instance.writeFile("deep", to: "tree/sub/it's deep")
            try FileManager.default.createSymbolicLink(atPath: path("tree/link"), withDestinationPath: "a")
            #expect(link(path("tree/a"), path("tree/hard")) == 0)
            chmod(path("tree/a"), 0o640)
            for name in ["tree/a", "tree/sub", "tree"] { setTime(9, of: name) }
            try await instance.ok("copy -r tree \(id):/root/tree")
            try await instance.ok("copy -r tree \(id):/root/tree")
            let listing = try await client.sh(
                id,
                "cd /root/tree; stat -c '%n %a %Y' a tree/a tree/sub; stat -c %h a; readlink link; cat sub/*"
            )
            #expect(listing == "a 640 9\ntree/a 640 9\ntree/sub 755 9\n2\na\ndeep")
            try await instance.ok("copy -r \(id):/root/tree/. back")
            #expect(instance.readFile("back/sub/it's deep") == "deep" && instance.readFile("back/tree/a") == "a")
            #expect(try status("back/a").st_mode & 0o777 == 0o640)
            #expect(try status("back/a").st_mtim.tv_sec == 9 && status("back/sub").st_mtim.tv_sec == 9)
            try await instance.ok("copy - \(id):/root/stream", stdin: "streamed")
            #expect(try await instance.ok("copy \(id):/root/stream -").stdout == "streamed")
            // Its size is 0, as that of everything in /proc.
            #expect(try await instance.ok("copy \(id):/proc/version -").stdout.hasPrefix("Linux version "))
            try await instance.ok("copy \(id):/proc/version version")
            #expect(instance.readFile("version")?.hasPrefix("Linux version ") == true)
            #expect(leftovers == [])
        }

        @Test func `an image without any program is copied to and from`() async throws {
            let id = try await client.newTiny()
            // The shell that removes everything, itself included, goes on in memory.
            try await client.sh(id, "rm -rf /bin /sbin /usr /lib")
            let shell = ExecRequest(command: ["/bin/sh", "-c", "true"])
            await #expect(throws: VersError.self) { _ = try await client.execute(shell, in: id) }
            try instance.writeFile("in", to: "bare/deep/file")
            try await instance.ok("copy -r bare \(id):/root")
            try await instance.ok("copy -r \(id):/root/bare bare.back")
            #expect(instance.readFile("bare.back/deep/file") == "in")
            try await instance.ok("copy bare/deep/file \(id):one")
            #expect(try await instance.ok("copy \(id):/root/one -").stdout == "in")
            try await client.deleteMachine(id)
        }

        @Test func `nothing of what is copied stays in the VM's journal`() async throws {
            let id = try await client.newTiny()
            try instance.writeFile("a secret", to: "secret")
            try await instance.ok("copy secret \(id):/root/secret")
            try await instance.ok("copy \(id):/root/secret secret.back")
            #expect(try await client.logs(of: id).entries.isEmpty)
            try await client.deleteMachine(id)
        }

        @Test func `what cannot be copied is refused with the path, and nothing is left`() async throws {
            let id = try await machine()
            try instance.writeFile("a", to: "wrong/a")
            for (words, part, status) in [
                (["wrong", "\(id):/x"], "-r", 5), (["\(id):/none", "x"], "/none", 3),
                (["\(id):/root", "x"], "/root", 5), (["none", "\(id):/x"], "none", 3),
                (["wrong/a", "\(id):/none/x"], "/none", 3), (["-r", "wrong", "\(id):/etc/passwd"], "/etc/passwd", 4),
                (["-r", "\(id):/root", "none/x"], "none", 3), (["-t", "x", "wrong/a", "\(id):/x"], "x", 5),
                (["\(id):/a", "\(id):/b"], "both", 5), (["wrong/a"], "usage", 5),
            ] as [([String], String, Int32)] {
                let result = try await instance.vers(["copy"] + words)
                #expect(result.status == status && result.stderr.contains(part), "\(words): \(result)")
                #expect(result.stderr.components(separatedBy: "error: ").count == 2, "\(words): \(result)")
            }
            #expect(leftovers == [])
            let left = "find / -xdev -name '.vers-copy*' -o -xdev -name '*.vers-part'"
            #expect(try await client.sh(id, left) == "")
        }

        // MARK: Interrupted copies

        @Test func `a copy that was interrupted goes on where it was`() async throws {
            let id = try await machine()
            try instance.writeFile(String(repeating: "0123456789", count: 1000), to: "large")
            setTime(7, of: "large")
            // Parts that differ from the file show which bytes were not sent again.
            try await client.sh(id, "printf abcde >/root/.large.10000-7.vers-part; echo x >/root/.large.9-7.vers-part")
            try await instance.ok("copy large \(id):/root/large")
            #expect(
                try await client.sh(id, "head -c 8 /root/large; stat -c ' %s %Y' /root/large") == "abcde567 10000 7"
            )
            try instance.writeFile("vwxyz", to: ".down.10000-7.vers-part")
            try await instance.ok("copy \(id):/root/large down")
            #expect(instance.readFile("down")?.hasPrefix("vwxyz567") == true)
            #expect(instance.readFile("down")?.utf8.count == 10_000)
            #expect(instance.readFile(".down.10000-7.vers-part") == nil)
            try await client.sh(id, "rm /root/.large.9-7.vers-part")
        }

        /// Long enough for something to happen in its middle.
        private static let longBytes = 48 * 1024 * 1024

        private func writeLong(to name: String) throws {
            var bytes = Data(count: Self.longBytes)
            bytes.withUnsafeMutableBytes { buffer in
                for position in stride(from: 0, to: buffer.count, by: 4093) {
                    buffer[position] = UInt8(truncatingIfNeeded: position / 4093)
                }
            }
            try bytes.write(to: URL(filePath: path(name)))
        }

        /// Waits until a copy into a VM, or one out of it, is in its middle.
        private func waitForPart(of name: String, in id: MachineID?) async throws {
            try await eventually("a part of \(name)") {
                guard let id else {
                    let part = Leftovers.names(in: instance.work).first { $0.hasPrefix(".\(name).") }
                    return try part.map { try status($0).st_size > 0 } ?? false
                }
                return try await client.sh(id, "stat -c %s /root/.\(name).*.vers-part 2>/dev/null || echo 0") != "0"
            }
        }

        @Test func `Ctrl-C ends a copy at once, and it goes on when it is repeated`() async throws {
            let id = try await machine()
            try writeLong(to: "long")
            let copy = try instance.startVers(["copy", "long", "\(id):/root/long"])
            defer { copy.forget() }
            try await waitForPart(of: "long", in: id)
            copy.signal(SIGINT)
            #expect(try await copy.result(within: .seconds(20)).status == 130)
            // Its other end has gone, too: nothing is added to the part any more.
            try await eventually("the other end to be gone") {
                try await client.sh(id, "ps | grep -c '[c]at' || true") == "0"
            }
            // What is written over shows that it was not sent again.
            try await client.sh(id, "printf kept | dd of=$(ls /root/.long.*.vers-part) conv=notrunc 2>/dev/null")
            try await instance.ok("copy long \(id):/root/long")
            #expect(
                try await client.sh(id, "head -c 4 /root/long; stat -c ' %s' /root/long") == "kept \(Self.longBytes)"
            )

            let back = try instance.startVers(["copy", "\(id):/root/long", "long.back"])
            defer { back.forget() }
            try await waitForPart(of: "long.back", in: nil)
            back.signal(SIGTERM)
            #expect(try await back.result(within: .seconds(20)).status == 143)
            try await instance.ok("copy \(id):/root/long long.back")
            let handle = try FileHandle(forReadingFrom: URL(filePath: path("long.back")))
            #expect(try handle.read(upToCount: 4) == Data("kept".utf8))
            #expect(try status("long.back").st_size == Self.longBytes)
            #expect(leftovers == [])
            try await client.sh(id, "rm /root/long")
        }

        @Test func `a stream that is interrupted leaves nothing behind`() async throws {
            let id = try await machine()
            let pipe = Pipe()
            let copy = try instance.startVers(["copy", "-", "\(id):/root/endless"], stdin: pipe.fileHandleForReading)
            defer { copy.forget() }
            let part = "ls /root/.endless.*.vers-part /root/endless 2>/dev/null || true"
            try await eventually("the stream to be taken") { try await client.sh(id, part) != "" }
            copy.signal(SIGINT)
            #expect(try await copy.result(within: .seconds(20)).status == 130)
            try await eventually("the part to be gone") { try await client.sh(id, part) == "" }
        }

        @Test func `Ctrl-C leaves nothing of a directory behind`() async throws {
            let id = try await machine()
            try instance.writeFile("small", to: "heavy/small")
            try writeLong(to: "heavy/long")
            let copy = try instance.startVers(["copy", "-r", "heavy", "\(id):/root"])
            defer { copy.forget() }
            try await eventually("the directory to arrive") {
                try await client.sh(id, "ls -d /root/.vers-copy.*/* 2>/dev/null || true") != ""
            }
            copy.signal(SIGINT)
            #expect(try await copy.result(within: .seconds(20)).status == 130)
            try await eventually("the VM to be clean") {
                try await client.sh(id, "ls -d /root/.vers-copy.* /root/heavy 2>/dev/null || true") == ""
            }
            try await instance.ok("copy -r heavy \(id):/root")
            let back = try instance.startVers(["copy", "-r", "\(id):/root/heavy", "heavy.back"])
            defer { back.forget() }
            try await eventually("the directory to come") {
                Leftovers.names(in: instance.work).contains { $0.hasPrefix(".vers-copy.") }
            }
            back.signal(SIGINT)
            #expect(try await back.result(within: .seconds(20)).status == 130)
            #expect(leftovers == [] && !FileManager.default.fileExists(atPath: path("heavy.back")))
            try await client.sh(id, "rm -r /root/heavy")
        }

        @Test func `a copy outlives its daemon, and a pause of its VM`() async throws {
            let id = try await machine()
            try writeLong(to: "lasting")
            let copy = try instance.startVers(["copy", "lasting", "\(id):/root/lasting"])
            defer { copy.forget() }
            try await waitForPart(of: "lasting", in: id)
            try await instance.restartDaemon(SIGKILL)
            let result = try await copy.result(within: .seconds(120))
            #expect(result.status == 0 && result.stderr.contains("Connection lost; going on"), "\(result)")

            let back = try instance.startVers(["copy", "\(id):/root/lasting", "lasting.back"])
            defer { back.forget() }
            try await waitForPart(of: "lasting.back", in: nil)
            try await instance.restartDaemon()
            let other = try await back.result(within: .seconds(120))
            #expect(other.status == 0 && other.stderr.contains("Connection lost; going on"), "\(other)")
            #expect(FileManager.default.contentsEqual(atPath: path("lasting"), andPath: path("lasting.back")))

            let paused = try instance.startVers(["copy", "lasting", "\(id):/root/paused"])
            defer { paused.forget() }
            try await waitForPart(of: "paused", in: id)
            try await client.setState(of: id, to: .paused)
            try await client.setState(of: id, to: .running)
            #expect(try await paused.result(within: .seconds(120)).status == 0)
            #expect(try await client.sh(id, "cmp /root/lasting /root/paused && echo same") == "same")
            #expect(leftovers == [])
        }
    }
}
