import Foundation
import SystemPackage
import TestSupport
import Testing
import VersAPI

@testable import ImageArchive

struct TarReaderTests {
    @Test func `extended headers win over the header`() async throws {
        try await Scratch.run { scratch in
            let long = String(repeating: "d/", count: 150) + "file"
            let archive = TarBuilder.build { tar in
                tar.add(
                    .init(
                        path: "short",
                        uid: 1,
                        content: Array("abc".utf8),
                        pax: [
                            "path": long, "uid": "3000000000", "mtime": "-1.25", "SCHILY.xattr.user.b": "2",
                            "SCHILY.xattr.user.a": "1",
                        ]
                    )
                )
                tar.add("next", "x")
            }
            let entries = try scratch.entries(archive)
            #expect(entries.count == 2)
            #expect(entries[0].path == Array(long.utf8))
            #expect(entries[0].uid == 3_000_000_000)
            #expect(entries[0].modified == Timestamp(seconds: -2, nanoseconds: 750_000_000))
            #expect(entries[0].xattrs.map(\.name) == ["user.a", "user.b"])
            #expect(entries[1].path == Array("next".utf8) && entries[1].uid == 0 && entries[1].xattrs.isEmpty)
        }
    }

    @Test func `GNU long names and base 256 are read`() async throws {
        try await Scratch.run { scratch in
            let long = String(repeating: "n", count: 240)
            let archive = TarBuilder.build { tar in
                tar.addRaw(TarBuilder.header("././@LongLink", type: "L", size: 241), Array(long.utf8) + [0])
                tar.addRaw(TarBuilder.header("././@LongLink", type: "K", size: 241), Array(long.utf8) + [0])
                var header = TarBuilder.header("cut", type: "2", size: 0)
                header[108] = 0x80
                for index in 109..<116 { header[index] = 0 }
                header[112] = 0x01
                TarBuilder.sign(&header)
                tar.addRaw(header, [])
            }
            let entry = try #require(try scratch.entries(archive).first)
            #expect(entry.path == Array(long.utf8) && entry.target == Array(long.utf8))
            #expect(entry.uid == 1 << 24)
        }
    }

    /// What GNU tar itself writes in each of its formats.
    @Test(arguments: [
        ["--format=gnu"], ["--format=pax", "--sparse-version=0.0"], ["--format=pax", "--sparse-version=0.1"],
        ["--format=pax", "--sparse-version=1.0"],
    ])
    func `sparse files keep their holes`(options: [String]) async throws {
        try await Scratch.run { scratch in
            let file = scratch.path.appending("sparse")
            let handle = try FileHandle(forWritingTo: URL(filePath: try scratch.file([], "sparse").string))
            // More runs than a header of GNU's old format and its first continuation hold.
            for index in 0..<30 {
                try handle.seek(toOffset: UInt64(index) * 1_048_576)
                try handle.write(contentsOf: Data(repeating: UInt8(index + 1), count: 4096))
            }
            try handle.truncate(atOffset: 40 << 20)
            try handle.close()
            let tar = scratch.path.appending("a.tar")
            let arguments = ["--create", "--sparse", "--file", tar.string, "--directory", scratch.path.string]
            try scratch.run("tar", arguments + options + [file.lastComponent?.string ?? ""])
            var reader = TarReader(
                try SourceFile(tar).whole,
                budget: ArchiveBudget(ArchiveLimits(contentBytes: 1 << 30))
            )
            let entry = try #require(try reader.next())
            #expect(entry.path == Array("sparse".utf8))
            #expect(entry.size == 40 << 20)
            #expect(entry.storedBytes == 30 * 4096)
            for (index, extent) in entry.extents.enumerated() {
                #expect(extent.offset == Int64(index) << 20)
                #expect(try extent.content.bytes(from: 0, count: 1) == [UInt8(index + 1)])
            }
            #expect(try reader.next() == nil)
        }
    }

    private static func damaged(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var archive = TarBuilder.build { $0.add("file", "content") }
        change(&archive)
        return archive
    }

    @Test(arguments: [
        ("a wrong checksum", damaged { $0[0] = 1 }),
        ("half a header", damaged { $0 = Array($0.prefix(300)) }),
        ("half a content", damaged { $0 = Array($0.prefix(515)) }),
        ("no mark of the end", damaged { $0 = Array($0.prefix(1024)) }),
        ("a size beyond the end", TarBuilder.build { $0.add(.init(path: "f", statedSize: 1 << 30)) }),
        (
            "a record longer than its header",
            TarBuilder.build { $0.add(.init(path: "f", paxBytes: Array("99 a=b\n".utf8))) }
        ),
        ("a record without a length", TarBuilder.build { $0.add(.init(path: "f", paxBytes: Array("x a=b\n".utf8))) }),
        ("a negative size", TarBuilder.build { $0.add(.init(path: "f", pax: ["size": "-5"])) }),
        ("a size past 64 bits", TarBuilder.build { $0.add(.init(path: "f", pax: ["size": "99999999999999999999"])) }),
        ("an owner past 32 bits", TarBuilder.build { $0.add(.init(path: "f", pax: ["uid": "99999999999"])) }),
        (
            "a sparse map that overlaps",
            TarBuilder.build { tar in
                let pax = ["GNU.sparse.size": "100", "GNU.sparse.map": "0,4,2,4"]
                tar.add(.init(path: "f", content: [1, 2, 3, 4, 5, 6, 7, 8], pax: pax))
            }
        ),
        (
            "a sparse map of more than is stored",
            TarBuilder.build { tar in
                tar.add(.init(path: "f", content: [1], pax: ["GNU.sparse.size": "9", "GNU.sparse.map": "0,9"]))
            }
        ),
        (
            "a sparse file larger than any disk",
            TarBuilder.build { tar in
                let pax = ["GNU.sparse.size": "9223372036854775807", "GNU.sparse.map": "0,1"]
                tar.add(.init(path: "f", content: [1], pax: pax))
            }
        ),
        ("a type of its own", TarBuilder.build { $0.add(.init(path: "f", type: "Z")) }),
    ])
    func `damage is refused`(what: String, archive: [UInt8]) async throws {
        try await Scratch.run { scratch in
            #expect(throws: VersError.self, "\(what)") { try scratch.entries(archive) }
        }
    }

    @Test func `headers, names and members are bounded`() async throws {
        try await Scratch.run { scratch in
            let huge = TarBuilder.build { tar in
                tar.addRaw(TarBuilder.header("pax", type: "x", size: 2 << 20), [UInt8](repeating: 0x20, count: 2 << 20))
                tar.add("f")
            }
            #expect(throws: VersError.self) { try scratch.entries(huge) }
            var few = ArchiveLimits(contentBytes: 1 << 20)
            few.entries = 3
            let many = TarBuilder.build { tar in for index in 0..<4 { tar.add("\(index)") } }
            let error = #expect(throws: VersError.self) { try scratch.entries(many, limits: few) }
            #expect(error?.code == .payloadTooLarge)
        }
    }

    @Test func `no byte of a header can end the process`() async throws {
        try await Scratch.run { scratch in
            let archive = TarBuilder.build { tar in
                tar.add(
                    .init(
                        path: "f",
                        content: Array("abcdefgh".utf8),
                        pax: ["GNU.sparse.size": "100", "GNU.sparse.map": "0,4,8,4"]
                    )
                )
            }
            var generator = SeededGenerator(seed: 17)
            for _ in 0..<300 {
                var spoiled = archive
                // The header of the pax header, its records, and the header of the member.
                for _ in 0..<4 {
                    let place = Int.random(in: 0..<1536, using: &generator)
                    spoiled[place] = UInt8.random(in: 0...255, using: &generator)
                }
                for start in [0, 1024] {
                    var header = Array(spoiled[start..<(start + 512)])
                    TarBuilder.sign(&header)
                    spoiled.replaceSubrange(start..<(start + 512), with: header)
                }
                // An error is as good as an entry; only a crash is none.
                _ = try? scratch.entries(spoiled)
            }
        }
    }
}
