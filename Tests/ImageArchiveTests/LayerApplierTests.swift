import Testing
import VersAPI

@testable import ImageArchive

struct LayerApplierTests {
    private func tree(_ scratch: Scratch, _ layers: [[UInt8]]) throws -> FileTree {
        let tree = FileTree()
        let budget = ArchiveBudget(ArchiveLimits(contentBytes: 1 << 20))
        for (index, layer) in layers.enumerated() {
            let applier = LayerApplier(tree, layer: index, budget: budget)
            try applier.apply(try scratch.range(layer), needsEndMark: true)
        }
        return tree
    }

    private func names(_ tree: FileTree, _ path: String) -> [String] {
        (tree.node(at: path)?.children.keys.map { String(decoding: $0, as: UTF8.self) } ?? []).sorted()
    }

    @Test func `whiteouts hide what layers below have, and only that`() async throws {
        try await Scratch.run { scratch in
            let below = TarBuilder.build { tar in
                tar.add("etc/gone")
                tar.add("etc/kept")
                tar.add("var/a/old")
                tar.add("var/a/deep/old")
                tar.add("opt/tree/file")
            }
            let above = TarBuilder.build { tar in
                tar.add("var/a/new")
                tar.add("var/a/deep/new")
                tar.add("var/a/.wh..wh..opq")
                tar.add("etc/.wh.gone")
                tar.add("etc/.wh.never")
                tar.add("opt/.wh.tree")
                tar.add("opt/.wh..wh.aufs")
                tar.add("etc/fresh")
                tar.add("etc/.wh.fresh")
            }
            let tree = try tree(scratch, [below, above])
            #expect(names(tree, "/etc") == ["fresh", "kept"])
            #expect(names(tree, "/var/a") == ["deep", "new"])
            #expect(names(tree, "/var/a/deep") == ["new"])
            #expect(names(tree, "/opt") == [])
        }
    }

    @Test func `a directory keeps its content, anything else is replaced`() async throws {
        try await Scratch.run { scratch in
            let below = TarBuilder.build { tar in
                tar.add("d/file")
                tar.add("e/file")
                tar.add("f")
            }
            let above = TarBuilder.build { tar in
                tar.directory("d", mode: 0o700)
                tar.add("e", "now a file")
                tar.directory("f")
            }
            let tree = try tree(scratch, [below, above])
            #expect(names(tree, "/d") == ["file"])
            #expect(tree.node(at: "/d")?.attributes.mode == 0o700)
            #expect(tree.node(at: "/e")?.isDirectory == false)
            #expect(tree.node(at: "/f")?.isDirectory == true)
        }
    }

    @Test func `hard links are one file, also across layers`() async throws {
        try await Scratch.run { scratch in
            let below = TarBuilder.build { $0.add("bin/tool", "x") }
            let above = TarBuilder.build { tar in
                tar.hardLink("usr/tool", "bin/tool")
                tar.hardLink("usr/other", "./usr/tool")
            }
            let tree = try tree(scratch, [below, above])
            let tool = try #require(tree.node(at: "/bin/tool"))
            #expect(tree.node(at: "/usr/tool") === tool && tree.node(at: "/usr/other") === tool)
        }
    }

    @Test func `a link of a layer below is followed inside of the root`() async throws {
        try await Scratch.run { scratch in
            let below = TarBuilder.build { tar in
                tar.directory("usr/lib")
                tar.symlink("lib", "usr/lib")
                tar.symlink("var/run", "/run")
                tar.directory("run")
            }
            let above = TarBuilder.build { tar in
                tar.add("lib/module")
                tar.add("var/run/pid")
            }
            let tree = try tree(scratch, [below, above])
            #expect(names(tree, "/usr/lib") == ["module"])
            #expect(names(tree, "/run") == ["pid"])
        }
    }

    @Test(arguments: [
        ("a climbing name", TarBuilder.build { $0.add("a/../../etc/passwd") }),
        ("an absolute name", TarBuilder.build { $0.add("/etc/passwd") }),
        ("a climbing hard link", TarBuilder.build { $0.hardLink("a", "../../etc/shadow") }),
        ("an absolute hard link", TarBuilder.build { $0.hardLink("a", "/etc/shadow") }),
        ("a hard link to nothing", TarBuilder.build { $0.hardLink("a", "b") }),
        (
            "a hard link to a directory",
            TarBuilder.build { tar in
                tar.directory("d")
                tar.hardLink("a", "d")
            }
        ),
        (
            "a name through a link",
            TarBuilder.build { tar in
                tar.symlink("x", "/etc")
                tar.add("x/passwd")
            }
        ),
        (
            "a whiteout through a link",
            TarBuilder.build { tar in
                tar.symlink("x", "/etc")
                tar.add("x/.wh.passwd")
            }
        ),
        (
            "a name below a file",
            TarBuilder.build { tar in
                tar.add("f")
                tar.add("f/g")
            }
        ),
        ("an empty name", TarBuilder.build { $0.add("", "x") }),
        ("a whiteout of nothing", TarBuilder.build { $0.add("d/.wh.") }),
        ("a whiteout of the parent", TarBuilder.build { $0.add("d/.wh...") }),
        (
            "a name that is too long",
            TarBuilder.build { $0.add(.init(path: "f", pax: ["path": String(repeating: "n", count: 256)])) }
        ),
        ("a name with a zero", TarBuilder.build { $0.add(.init(path: "f", pax: ["path": "a\0b"])) }),
        (
            "too deep a name",
            TarBuilder.build { $0.add(.init(path: "f", pax: ["path": String(repeating: "d/", count: 300) + "f"])) }
        ),
        ("a link without a target", TarBuilder.build { $0.symlink("l", "") }),
        ("a device out of range", TarBuilder.build { $0.add(.init(path: "d", type: "3", device: (5000, 1))) }),
        (
            "a root that is a file",
            TarBuilder.build {
                $0.add("./", "")
                $0.add(".", "x")
            }
        ),
    ])
    func `hostile members are refused`(what: String, layer: [UInt8]) async throws {
        try await Scratch.run { scratch in
            #expect(throws: VersError.self, "\(what)") { try tree(scratch, [layer]) }
        }
    }

    @Test func `a link below that climbs above the root is refused`() async throws {
        try await Scratch.run { scratch in
            let below = TarBuilder.build { $0.symlink("a/x", "../../../etc") }
            let above = TarBuilder.build { $0.add("a/x/passwd") }
            #expect(throws: VersError.self) { try tree(scratch, [below, above]) }
            let circle = TarBuilder.build { tar in
                tar.symlink("p", "q")
                tar.symlink("q", "p")
            }
            #expect(throws: VersError.self) { try tree(scratch, [circle, TarBuilder.build { $0.add("p/f") }]) }
        }
    }
}
