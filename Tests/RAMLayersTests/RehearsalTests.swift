import Foundation
import SystemPackage
import Testing

@Suite("a rehearsal in the memory library", .serialized, .timeLimit(.minutes(3)))
struct RehearsalTests {
    private static let pageBytes = 4096

    /// Two layers: a base, and what one who started from it has changed.
    private struct Chain {
        var base: FilePath
        var delta: FilePath
        var baseContent: Data
        var content: Data
    }

    private func freeze(_ process: MemoryProcess, _ mode: String) throws -> FilePath {
        let path = Compiled.directory.appending("layer-\(UUID().uuidString)")
        let control = try process.connect()
        _ = try control.request("freeze \(mode)")
        _ = try control.request("copy \(path)")
        return path
    }

    private func makeChain(seed: Int) throws -> Chain {
        let first = try MemoryProcess()
        defer { first.end() }
        try first.obey("write \(seed) 900")
        let baseContent = try first.dump()
        let base = try freeze(first, "since-start")
        let second = try MemoryProcess()
        defer { second.end() }
        try second.map([base])
        try second.obey("write \(seed + 1) 150")
        let delta = try freeze(second, "since-start")
        return Chain(base: base, delta: delta, baseContent: baseContent, content: try second.dump())
    }

    /// A process on a leash that has the base mapped and has counted the flush that ends a load.
    private func rehearse(_ chain: Chain) throws -> (MemoryProcess, ControlConnection) {
        let process = try MemoryProcess(translates: true)
        let control = try process.connect()
        #expect(try control.request("leash") == "leash")
        _ = try control.request("layer \(chain.base)")
        #expect(try control.request("rehearse").hasPrefix("rehearsing "))
        try process.obey("flush")
        return (process, control)
    }

    private func takeBack(_ process: MemoryProcess, _ control: ControlConnection, to base: FilePath) throws {
        _ = try control.request("layer \(base)")
        #expect(try control.request("take-back gone") == "take-back")
        #expect(try process.ask("open gone") == "\(EIO)")
        #expect(try control.receive().hasPrefix("taken-back "))
    }

    /// Those that a layer holds.
    private func pages(in layer: FilePath) throws -> Set<Int> {
        let (seekData, seekHole) = (Int32(3), Int32(4))
        let file = try FileDescriptor.open(layer, .readOnly)
        defer { try? file.close() }
        var pages: Set<Int> = []
        var end = 0
        while true {
            let first = lseek(file.rawValue, end, seekData)
            guard first >= 0 else { return pages }
            end = lseek(file.rawValue, first, seekHole)
            pages.formUnion(first / Self.pageBytes..<end / Self.pageBytes)
        }
    }

    private func changedPages(_ one: Data, _ other: Data) -> Set<Int> {
        let pages = one.count / Self.pageBytes
        return Set(
            (0..<pages).filter { page in
                let range = page * Self.pageBytes..<(page + 1) * Self.pageBytes
                return one[range] != other[range]
            }
        )
    }

    @Test(
        "after it, memory is that of the layers, and every page that ever differed has lost its translations",
        arguments: [1, 5, 9],
        [0, 1, 2]
    )
    func rewind(seed: Int, timesMappedAhead: Int) throws {
        let chain = try makeChain(seed: seed)
        let (process, control) = try rehearse(chain)
        defer { process.end() }
        #expect(try process.dump() == chain.baseContent)
        try process.obey("write \(seed + 2) 60")
        let rehearsed = try process.dump()
        try takeBack(process, control, to: chain.base)
        #expect(try process.dump() == chain.baseContent)

        let state = process.directory.appending("state")
        try Data("state".utf8).write(to: URL(fileURLWithPath: state.string))
        if timesMappedAhead > 1 {
            _ = try control.request("layer \(chain.base)")
            #expect(try control.request("map-ahead").hasPrefix("mapped-ahead "))
            #expect(try process.dump() == chain.baseContent)
        }
        for layer in [chain.base, chain.delta] { _ = try control.request("layer \(layer)") }
        if timesMappedAhead > 0 {
            #expect(try control.request("map-ahead").hasPrefix("mapped-ahead "))
            #expect(try process.dump() == chain.content)
        }
        #expect(try control.request("rewind \(state)") == "rewind")
        try process.obey("load \(state)")
        #expect(try control.receive().hasPrefix("rewound "))

        #expect(try process.dump() == chain.content)
        let map = process.directory.appending("dropped")
        try process.obey("dropped \(map)")
        let dropped = Set(
            try Data(contentsOf: URL(fileURLWithPath: map.string)).enumerated().filter { $0.element == 1 }.map(\.offset)
        )
        let differing = changedPages(chain.baseContent, chain.content).union(changedPages(rehearsed, chain.baseContent))
        #expect(differing.isSubset(of: dropped))
        // Those that were only read, and are zero, look like written ones. A layer also holds short gaps between its pages.
        let held = try pages(in: chain.delta)
        let needless = dropped.subtracting(differing).subtracting(held).filter { page in
            chain.content[page * Self.pageBytes..<(page + 1) * Self.pageBytes].contains { $0 != 0 }
        }
        #expect(needless.isEmpty)
        // One flush of the rehearsal, and the one that was taken for the flush that loading asked for.
        #expect(try process.ask("flushes") == "2")

        // The leash has ended, and a freeze finds what is changed from here on.
        try process.obey("write \(seed + 3) 40")
        let expected = try process.dump()
        try expect(expected, after: process, over: [chain.base, chain.delta])
    }

    /// A freeze gives back `content` over the layers that the process was given, and over the first of them.
    private func expect(_ content: Data, after process: MemoryProcess, over layers: [FilePath]) throws {
        for (mode, underneath) in [("since-start", layers), ("since-first", Array(layers.prefix(1)))] {
            let layer = try freeze(process, mode)
            let reader = try MemoryProcess()
            defer { reader.end() }
            try reader.map(underneath + [layer])
            #expect(try reader.dump() == content, "\(mode)")
        }
    }

    @Test(
        "layers that do not begin with those of the rehearsal take their place, and no translation is kept",
        arguments: [false, true]
    )
    func strangers(isMappedAhead: Bool) throws {
        let (chain, other) = (try makeChain(seed: 20), try makeChain(seed: 30))
        let (process, control) = try rehearse(chain)
        defer { process.end() }
        try takeBack(process, control, to: chain.base)
        let state = process.directory.appending("state")
        try Data().write(to: URL(fileURLWithPath: state.string))
        if isMappedAhead {
            for layer in [chain.base, chain.delta] { _ = try control.request("layer \(layer)") }
            _ = try control.request("map-ahead")
        }
        for layer in [other.base, other.delta] { _ = try control.request("layer \(layer)") }
        #expect(try control.request("rewind \(state)") == "rewind")
        try process.obey("load \(state)")
        #expect(try control.receive().hasSuffix(" \(MemoryProcess.pages)"))
        #expect(try process.dump() == other.content)
        try process.obey("write 21 40")
        let expected = try process.dump()
        try expect(expected, after: process, over: [other.base, other.delta])
    }

    @Test("a process whose translations cannot be kept does not rehearse")
    func unsupported() throws {
        let chain = try makeChain(seed: 40)
        let process = try MemoryProcess()
        defer { process.end() }
        let control = try process.connect()
        _ = try control.request("leash")
        _ = try control.request("layer \(chain.base)")
        #expect(throws: MemoryProcess.Failure("error \(ENOTSUP) rehearse")) { try control.request("rehearse") }
        #expect(try control.request("map").hasPrefix("mapped "))
        #expect(try process.dump() == chain.baseContent)
    }

    @Test("a counter that did not count the first load is not believed")
    func unknownCounter() throws {
        let chain = try makeChain(seed: 50)
        let (process, control) = try rehearse(chain)
        defer { process.end() }
        try process.obey("flush")
        #expect(throws: MemoryProcess.Failure("error \(ENOTSUP) take-back")) { try control.request("take-back /x") }
    }

    @Test("a machine is taken back to where it began, and not before it ran or without")
    func takeBackWithoutRehearsal() throws {
        let (chain, other) = (try makeChain(seed: 70), try makeChain(seed: 80))
        let (process, control) = try rehearse(chain)
        defer { process.end() }
        #expect(throws: MemoryProcess.Failure("error \(EALREADY) rewind")) { try control.request("rewind /x") }
        #expect(throws: MemoryProcess.Failure("error \(EALREADY) map-ahead")) { try control.request("map-ahead") }
        try process.obey("write 71 60")
        _ = try control.request("layer \(other.base)")
        #expect(try control.request("take-back gone") == "take-back")
        #expect(try process.ask("open gone") == "\(EIO)")
        #expect(try control.receive() == "error \(ESTALE) take-back")
        try takeBack(process, control, to: chain.base)
        #expect(try process.dump() == chain.baseContent)
        #expect(throws: MemoryProcess.Failure("error \(EALREADY) take-back")) { try control.request("take-back gone") }
    }

    @Test(
        "a process that rehearses ends with its leash, also when its next memory is mapped",
        arguments: [false, true]
    )
    func leash(isMappedAhead: Bool) throws {
        let chain = try makeChain(seed: 60)
        var (process, control): (MemoryProcess, ControlConnection?) = try rehearse(chain)
        if isMappedAhead, let control {
            try takeBack(process, control, to: chain.base)
            for layer in [chain.base, chain.delta] { _ = try control.request("layer \(layer)") }
            _ = try control.request("map-ahead")
        }
        withExtendedLifetime(control) {}
        control = nil
        process.waitUntilEnd()
    }
}
