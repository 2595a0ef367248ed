import EngineTestSupport
import Foundation
import QEMU
import SystemPackage
import Testing
import VersAPI
import VersCore

extension EngineTests {
    @Suite("memory that is copied")
    struct CopiedMemoryTests {
        @Test("machines branch without the memory library, and commits go both ways")
        func bothWays() async throws {
            let host = try await TestHost.shared.prepared()
            let copying = try await TestEngine(
                root: host.engine.root,
                library: "/nonexistent/libramlayers.so",
                accelerator: .tcg,
                memory: .automatic,
                memoryMiB: host.engine.memoryMiB
            )
            try await TestMachine.withChild(of: host.booted, on: copying) { parent in
                #expect(parent.vm.savesMemoryWhole)
                try await parent.shell.run("head -c 3000000 /dev/urandom > /tmp/blob; echo parent > /disk/owner; sync")
                let sum = try await parent.shell.run("md5sum < /tmp/blob")
                let before = try await parent.count()
                let commit = try await TestCommit.freeze(
                    parent.vm,
                    root: host.engine.root,
                    parent: host.booted,
                    delta: .everything
                )
                #expect(try await parent.vm.memoryMark() == nil)
                #expect(commit.layers.count == 1 && commit.layer.bytes > 3_000_000)
                #expect(commit.report.steps.map(\.name).contains("memory"))
                // The parent goes on, and has its memory to itself.
                try await parent.waitForCount(above: before)
                try await parent.shell.run("rm /tmp/blob; echo later > /disk/owner")
                for engine in [copying, host.engine] {
                    let second = try await TestMachine.withChild(of: commit, on: engine) { child in
                        #expect(try await child.count() >= before)
                        #expect(try await child.shell.run("md5sum < /tmp/blob") == sum)
                        #expect(try await child.shell.run("cat /disk/owner") == "parent")
                        try await child.shell.run("echo child > /tmp/own")
                        return try await TestCommit.freeze(
                            child.vm,
                            root: host.engine.root,
                            parent: commit,
                            delta: child.vm.savesMemoryWhole ? .everything : .sinceStart
                        )
                    }
                    try await TestMachine.withChild(of: second, on: copying) { grandchild in
                        let output = try await grandchild.shell.run("md5sum < /tmp/blob; cat /tmp/own")
                        #expect(output == "\(sum)\nchild")
                    }
                }
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: host.engine.root.appending("vms").string)
            for name in names {
                let memory = host.engine.root.appending("vms").appending(name).appending("ram")
                let blocks = (try? FileManager.default.attributesOfItem(atPath: memory.string))?[.size] as? Int ?? 0
                // Of a machine that has ended, only the empty file of one whose memory was in layers is left.
                if blocks > 0 { #expect(Self.allocatedBytes(memory) == 0, "\(name)") }
            }
        }

        private static func allocatedBytes(_ path: FilePath) -> Int {
            var status = stat()
            return stat(path.string, &status) == 0 ? Int(status.st_blocks) * 512 : -1
        }

        @Test("layers that are asked for and cannot be had are an error that says what to do")
        func layersAskedFor() async throws {
            let host = try await TestHost.shared.prepared()
            let error = await #expect(throws: VersError.self) {
                _ = try await TestEngine(
                    root: host.engine.root,
                    library: "/nonexistent/libramlayers.so",
                    accelerator: .tcg,
                    memory: .layers,
                    memoryMiB: 256
                )
            }
            #expect(error?.code == .unsupported && error?.hint?.contains("--memory") == true)
        }
    }
}
