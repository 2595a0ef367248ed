import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import ImageArchive

struct ImageBuildTests {
    private static let program = [UInt8](repeating: 7, count: 10_000)

    private static let layer = TarBuilder.build { tar in
        tar.directory("./bin")
        tar.add(.init(path: "bin/app", mode: 0o4755, uid: 70_000, gid: 80_000, content: program))
        tar.hardLink("bin/same", "bin/app")
        tar.symlink("short", "bin/app")
        tar.symlink("long", "/" + String(repeating: "t", count: 90))
        tar.add(.init(path: "dev/null", type: "3", mode: 0o666, device: (1, 3)))
        tar.add(.init(path: "dev/disk", type: "4", device: (259, 70_000)))
        tar.add(.init(path: "pipe", type: "6"))
        tar.add(
            .init(path: "caps", content: [1], pax: ["SCHILY.xattr.user.kind": "tool", "SCHILY.xattr.odd.name": "x"])
        )
        tar.add(.init(path: "n", pax: ["path": "names/a b\n\"c\" \u{E9}"]))
        for index in 0..<600 { tar.add("many/a-rather-long-name-for-a-file-\(index)") }
    }

    private func gzip(_ scratch: Scratch, _ bytes: [UInt8]) throws -> [UInt8] {
        let file = try scratch.file(bytes)
        try scratch.run("gzip", ["-n", file.string])
        return Array(try Data(contentsOf: URL(filePath: file.string + ".gz")))
    }

    private func zstd(_ scratch: Scratch, _ bytes: [UInt8]) throws -> [UInt8] {
        let file = try scratch.file(bytes)
        try scratch.run("zstd", ["-q", file.string])
        return Array(try Data(contentsOf: URL(filePath: file.string + ".zst")))
    }

    @Test func `everything about a file is kept`() async throws {
        try await Scratch.run { scratch in
            let (image, disk) = try await scratch.build(try ArchiveWriter(layers: [Self.layer]).saved)
            #expect(image.configuration.arguments == ["/bin/app"] && image.initPath == nil && image.hasWorkload)
            let app = try scratch.look("stat /bin/app", disk)
            for part in ["Mode:  04755", "User: 70000", "Group: 80000", "Size: 10000", "Links: 2", "0x6553f100"] {
                #expect(app.contains(part), "\(part) in \(app)")
            }
            let inode = app.prefix { $0 != "\n" }.split(separator: " ")[1]
            #expect(try scratch.look("stat /bin/same", disk).contains("Inode: \(inode) "))
            #expect(try scratch.look("stat /short", disk).contains("Fast link dest: \"bin/app\""))
            #expect(try scratch.look("stat /long", disk).contains("Size: 91"))
            #expect(try scratch.look("stat /dev/null", disk).contains("Device major/minor number: 01:03"))
            #expect(try scratch.look("stat /dev/disk", disk).contains("Device major/minor number: 259:70000"))
            #expect(try scratch.look("stat /pipe", disk).contains("Type: FIFO"))
            #expect(try scratch.look("ea_list /caps", disk).contains("user.kind (4) = \"tool\""))
            #expect(!(try scratch.look("ea_list /caps", disk).contains("odd")))
            #expect(try scratch.look("ls -p /names", disk).contains("/a b\n\"c\" \u{E9}/"))
            #expect(try scratch.look("ls -p /many", disk).split(separator: "\n").count == 602)
            let copy = scratch.path.appending("copy")
            _ = try scratch.look("dump /bin/app \(copy)", disk)
            #expect(try HostFile.read(copy, limitInBytes: 20_000) == Self.program)
        }
    }

    @Test func `a sparse file stays sparse`() async throws {
        try await Scratch.run { scratch in
            let layer = TarBuilder.build { tar in
                let pax = ["GNU.sparse.size": "\(1 << 30)", "GNU.sparse.map": "1048576,4096,\((1 << 30) - 4096),4096"]
                tar.add(.init(path: "sparse", content: [UInt8](repeating: 9, count: 8192), pax: pax))
            }
            let (image, disk) = try await scratch.build(try ArchiveWriter(layers: [layer]).saved)
            #expect(image.diskMiB < 64)
            let stat = try scratch.look("stat /sparse", disk)
            #expect(stat.contains("Size: \(1 << 30)") && stat.contains("Blockcount: 16\n"), "\(stat)")
        }
    }

    @Test func `archives of every kind give the same files`() async throws {
        try await Scratch.run { scratch in
            let upper = TarBuilder.build { $0.add("bin/.wh.same") }
            let layers = [Self.layer, upper]
            let compressed = try layers.map { try gzip(scratch, $0) }
            var archives = [
                try ArchiveWriter(layers: layers).saved,
                try gzip(scratch, try ArchiveWriter(layers: layers).saved),
                try ArchiveWriter(layers: layers).layout(),
                try ArchiveWriter(layers: layers, stored: compressed).layout(),
                try ArchiveWriter(layers: layers, stored: compressed).saved,
            ]
            if HostTool("zstd") != nil {
                archives.append(
                    try ArchiveWriter(layers: layers, stored: layers.map { try zstd(scratch, $0) }).layout()
                )
            }
            var listings: Set<String> = []
            for archive in archives {
                let (_, disk) = try await scratch.build(archive)
                #expect(try scratch.look("stat /bin/app", disk).contains("Links: 1"))
                let listing = try scratch.look("ls -p /many", disk) + scratch.look("ls -p /bin", disk)
                listings.insert(listing)
            }
            #expect(listings.count == 1)
        }
    }

    @Test func `a bare root file system is an image that boots its init`() async throws {
        try await Scratch.run { scratch in
            let root = TarBuilder.build { tar in
                tar.add("./bin/busybox", "x", mode: 0o755)
                tar.symlink("./sbin/init", "/bin/busybox")
            }
            let (image, _) = try await scratch.build(root)
            #expect(image.initPath == "/sbin/init")
        }
    }

    @Test(
        arguments: [
            (["Cmd": ["/bin/sh"]], false, nil),
            (["Cmd": ["/bin/sh"]], true, "/sbin/init"),
            (["Entrypoint": ["/lib/systemd/systemd", "--x"]], false, "/lib/systemd/systemd"),
            ([:], false, "/sbin/init"),
        ] as [([String: [String]], Bool, String?)]
    )
    func `busybox is no init where the image has a command`(
        config: [String: [String]],
        hasScript: Bool,
        expected: String?
    )
        async throws
    {
        try await Scratch.run { scratch in
            let root = TarBuilder.build { tar in
                tar.add("bin/busybox", "x", mode: 0o755)
                tar.symlink("sbin/init", "../bin/busybox")
                tar.add("lib/systemd/systemd", "x", mode: config["Entrypoint"] == nil ? 0o644 : 0o755)
                if hasScript { tar.add("etc/init.d/rcS", "x") }
            }
            var writer = ArchiveWriter(layers: [root])
            writer.config = config
            let (image, _) = try await scratch.build(try writer.saved)
            #expect(image.initPath == expected)
        }
    }

    @Test func `the disk is as large as was asked for`() async throws {
        try await Scratch.run { scratch in
            let archive = try scratch.file(try ArchiveWriter(layers: [Self.layer]).saved)
            let tight = try await scratch.build(.archive(archive)).image.diskMiB
            #expect(tight < 16)
            #expect(try await scratch.build(.archive(archive), size: .extra(100)).image.diskMiB >= tight + 100)
            #expect(try await scratch.build(.archive(archive), size: .exactly(77)).image.diskMiB == 77)
            #expect(try await scratch.build(.archive(archive), size: .atLeast(512, extra: 8)).image.diskMiB == 512)
            for size in [ImageBuildRequest.Size.exactly(2), .extra(5000)] {
                await #expect(throws: VersError.self) { _ = try await scratch.build(.archive(archive), size: size) }
            }
        }
    }

    @Test func `what an archive claims and is not is refused, and nothing is left`() async throws {
        try await Scratch.run { scratch in
            let layer = Self.layer
            var otherDiff = ArchiveWriter(layers: [layer])
            otherDiff.diffIDs = ["sha256:" + String(repeating: "0", count: 64)]
            var fewDiffs = ArchiveWriter(layers: [layer])
            fewDiffs.diffIDs = []
            var foreign = ArchiveWriter(layers: [layer])
            foreign.architecture = "riscv64"
            let spoiled = try ArchiveWriter(layers: [layer]).layout { blobs in
                blobs[ArchiveWriter.digest(layer)]?[700] ^= 1
            }
            let missing = try ArchiveWriter(layers: [layer]).layout { $0[ArchiveWriter.digest(layer)] = nil }
            let cut = Array(try gzip(scratch, layer).dropLast(20))
            let bomb = try gzip(scratch, [UInt8](repeating: 0, count: 80 << 20))
            let climbing = ArchiveWriter(layers: [TarBuilder.build { $0.add("../x") }])
            let archives: [(String, [UInt8])] = [
                ("a wrong digest of a layer's content", try otherDiff.saved),
                ("fewer digests than layers", try fewDiffs.saved),
                ("another architecture", try foreign.saved),
                ("a spoiled blob", spoiled),
                ("a missing blob", missing),
                ("a layer that is cut off", try ArchiveWriter(layers: [layer], stored: [cut]).saved),
                ("an archive that is cut off", Array(try ArchiveWriter(layers: [layer]).saved.dropLast(2000))),
                ("a bomb", bomb),
                ("a bomb as a layer", try ArchiveWriter(layers: [[]], stored: [bomb]).saved),
                ("a climbing layer", try climbing.saved),
                ("no image at all", TarBuilder.build { $0.add("readme") }),
                ("no archive at all", Array("hello".utf8)),
                ("nothing", []),
            ]
            for (what, archive) in archives {
                let file = try scratch.file(archive)
                let error = await #expect(throws: VersError.self, "\(what)") {
                    _ = try await scratch.build(.archive(file))
                }
                #expect(error?.code != .internal, "\(what): \(String(describing: error))")
            }
            for name in try HostFile.names(in: scratch.path) where name.hasPrefix("build-") {
                #expect(try HostFile.names(in: scratch.path.appending(name)).isEmpty)
            }
        }
    }
}
