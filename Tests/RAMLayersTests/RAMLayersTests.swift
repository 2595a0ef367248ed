import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@Suite("the memory library", .serialized, .timeLimit(.minutes(3)))
struct RAMLayersTests {
    /// A layer and the pages it holds.
    struct Layer {
        var path: FilePath
        var pages: Int
        var extents: Int
    }

    private func freeze(
        _ process: MemoryProcess,
        _ mode: String,
        keep mark: String?,
        ahead: Bool = false
    ) throws -> Layer {
        let path = process.directory.appending("layer-\(UUID().uuidString)")
        let control = try process.connect()
        if ahead { #expect(try control.request("ahead \(path)") == "ahead") }
        #expect(try control.request("freeze \(mode)").hasPrefix("frozen "))
        let words = try control.request("copy \(path)").split(separator: " ")
        if let mark { #expect(try control.request("keep \(mark)") == "kept") }
        return Layer(path: path, pages: Int(words[1]) ?? -1, extents: Int(words[2]) ?? -1)
    }

    @Test("a freeze can be put off until the process opens a file")
    func freezeAtOpen() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 100")
        let trigger = process.directory.appending("trigger file")
        let control = try process.connect()
        #expect(try control.request("at \(trigger)") == "at")
        #expect(try control.request("freeze since-start") == "armed")
        // What is written before the file is opened belongs to the freeze, what is written after does not.
        try process.obey("write 2 100")
        let expected = try process.dump()
        #expect(throws: MemoryProcess.Failure("error 16 at")) { try process.connect().request("at /x") }
        try process.obey("open \(trigger)")
        #expect(try control.receive().hasPrefix("frozen "))
        try process.obey("write 3 100")
        let layer = process.directory.appending("layer")
        #expect(try control.request("copy \(layer)").hasPrefix("copied "))
        #expect(try control.request("keep a") == "kept")
        #expect(try MemoryProcess.contents(of: [layer]) == expected)
        // Nothing is armed any more, neither by this connection nor by one that ended.
        let other = try process.connect()
        #expect(try other.request("at \(trigger)") == "at")
        #expect(try other.request("freeze since a") == "armed")
        try process.obey("open \(process.directory.appending("another"))")
        #expect(try process.connect().request("status").hasSuffix(" a 0"))
    }

    @Test("a copy has guest memory and what it runs on, and nothing else of the process", arguments: [false, true])
    func copiesInheritLittle(putOff: Bool) throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 100")
        let trigger = process.directory.appending("trigger")
        let control = try process.connect()
        let answer: String
        if putOff {
            #expect(try control.request("at \(trigger)") == "at")
            #expect(try control.request("freeze since-start") == "armed")
            try process.obey("open \(trigger)")
            answer = try control.receive()
        } else {
            answer = try control.request("freeze since-start")
        }
        let words = answer.split(separator: " ")
        let copy = try #require(words.count == 3 ? Int32(words[1]) : nil)
        let maps = try String(contentsOfFile: "/proc/\(copy)/maps", encoding: .utf8)
        #expect(try String(contentsOfFile: "/proc/\(process.pid)/maps", encoding: .utf8).contains("[heap]"))
        #expect(!maps.contains("[heap]"))
        // The program's own data.
        #expect(!maps.split(separator: "\n").contains { $0.hasSuffix("/memory") && $0.contains(" rw-p ") })
        #expect(maps.contains("libramlayers.so"))
    }

    /// Layers of processes each of which went on from the one before, and has ended. Pages of earlier ones are zero in later
    /// ones, and the other way round.
    private func makeChain(of count: Int, seed: UInt64) throws -> [FilePath] {
        var chain: [FilePath] = []
        for generation in 0..<count {
            let process = try MemoryProcess()
            defer { process.end() }
            try process.map(chain)
            try process.obey("write \(seed * 100 + UInt64(generation)) 900")
            chain.append(try freeze(process, "since-start", keep: nil).path)
        }
        return chain
    }

    @Test("any sequence of freezes and writes over any layers gives back every page", arguments: 1...16)
    func randomSequences(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let process = try MemoryProcess()
        defer { process.end() }
        let atStart = try makeChain(of: Int(seed % 4), seed: seed)
        if !atStart.isEmpty { try process.map(atStart) }
        var chain: [FilePath] = []
        var mark: String?
        for step in 0..<14 {
            if random.next() % 3 == 0 { try process.obey("read \(1 + random.next() % 2000)") }
            try process.obey("write \(random.next() >> 8) \(random.next() % 900)")
            let expected = try process.dump()
            let keep = random.next() % 4 != 0 ? "mark-\(step)" : nil
            // Seeds differ in which kinds of freezes there are.
            let mayBeAhead = seed % 3 == 1 || (seed % 3 == 2 && random.next() % 2 == 0)
            let ahead = mayBeAhead && Precopy.isPossible
            let layer: Layer
            let layers: [FilePath]
            switch random.next() % 7 {
            case 0:
                layer = try freeze(process, "everything", keep: keep, ahead: ahead)
                layers = [layer.path]
            case 2:
                layer = try freeze(process, "since-first", keep: keep, ahead: ahead)
                layers = atStart.prefix(1) + [layer.path]
            case 1:
                layer = try freeze(process, "since-start", keep: keep, ahead: ahead)
                layers = atStart + [layer.path]
            default:
                layer = try freeze(process, mark.map { "since \($0)" } ?? "since-start", keep: keep, ahead: ahead)
                layers = (mark == nil ? atStart : chain) + [layer.path]
            }
            #expect(try MemoryProcess.contents(of: layers) == expected, "step \(step) of seed \(seed)")
            if let keep {
                chain = layers
                mark = keep
            }
        }
    }

    @Test("a chain that is merged onto its first layer gives back every page, over and over")
    func mergedChains() throws {
        let first = try makeChain(of: 1, seed: 7)
        var chain = first
        for generation in 1...30 {
            let process = try MemoryProcess()
            defer { process.end() }
            try process.map(chain)
            try process.obey("write \(generation) 150")
            let expected = try process.dump()
            let merges = chain.count == 6
            let layer = try freeze(process, merges ? "since-first" : "since-start", keep: nil)
            chain = (merges ? first : chain) + [layer.path]
            #expect(try MemoryProcess.contents(of: chain) == expected, "generation \(generation)")
        }
    }

    @Test("a merged layer holds what is not the first layer's, and a page that was cleared above it")
    func mergedLayer() throws {
        let first = try MemoryProcess()
        defer { first.end() }
        // All of one run, so that no gaps are filled.
        try first.obey("fill 1000 500 7")
        let base = try freeze(first, "since-start", keep: nil).path
        let second = try MemoryProcess()
        defer { second.end() }
        try second.map([base])
        try second.obey("fill 1100 20 0")
        try second.obey("fill 3000 10 8")
        let middle = try freeze(second, "since-start", keep: nil).path
        let third = try MemoryProcess()
        defer { third.end() }
        try third.map([base, middle])
        // Cleared again, over nothing of the first layer's.
        try third.obey("fill 3000 5 0")
        try third.obey("fill 2000 3 9")
        let merged = try freeze(third, "since-first", keep: "merged")
        #expect(merged.pages == 20 + 5 + 3)
        #expect(merged.extents == 3)
        let expected = try third.dump()
        #expect(try MemoryProcess.contents(of: [base, merged.path]) == expected)
        // What comes after it knows what lies underneath: a page that it has not, but the first layer has.
        try third.obey("fill 1300 4 0")
        try third.obey("fill 3020 4 0")
        let next = try freeze(third, "since merged", keep: nil)
        #expect(next.pages == 4)
        #expect(try MemoryProcess.contents(of: [base, merged.path, next.path]) == third.dump())
    }

    @Test("a process that maps layers goes on over them")
    func chainsOfProcesses() throws {
        var layers: [FilePath] = []
        var processes: [MemoryProcess] = []
        defer { for process in processes { process.end() } }
        for generation in 0..<6 {
            let process = try MemoryProcess()
            processes.append(process)
            try process.map(layers)
            try process.obey("read 500")
            var chain = layers
            var mark: String?
            for step in 0..<3 {
                try process.obey("write \(generation * 10 + step) 300")
                let name = "mark-\(step)"
                chain.append(try freeze(process, mark.map { "since \($0)" } ?? "since-start", keep: name).path)
                mark = name
                #expect(try MemoryProcess.contents(of: chain) == process.dump())
            }
            let everything = try freeze(process, "everything", keep: nil)
            #expect(try MemoryProcess.contents(of: [everything.path]) == process.dump())
            layers = chain
        }
    }

    @Test("a layer since a mark holds only what changed since")
    func deltaIsSmall() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        // Few enough that no gaps between them are filled, which would count as well.
        try process.obey("write 1 400")
        let first = try freeze(process, "since-start", keep: "a")
        try process.obey("write 2 10")
        let second = try freeze(process, "since a", keep: "b")
        #expect(first.pages > 300)
        #expect(second.pages >= 8 && second.pages <= 10)
        let third = try freeze(process, "since b", keep: "c")
        #expect(third.pages == 0)
    }

    @Test("memory that was only read, or written with zeros, is not saved")
    func zeroPagesAreSkipped() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("read 4096")
        #expect(try freeze(process, "everything", keep: "a").pages == 0)
        // A page that was read at the mark and written since must not count as unchanged.
        try process.obey("write 7 400")
        let delta = try freeze(process, "since a", keep: nil)
        #expect(try MemoryProcess.contents(of: [delta.path]) == process.dump())
    }

    @Test("a copy whose connection ends leaves, and the mark stays")
    func lostConnection() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 100")
        let base = try freeze(process, "since-start", keep: "a")
        try process.obey("write 2 100")
        do {
            let control = try process.connect()
            _ = try control.request("freeze since a")
            let other = try process.connect()
            #expect(throws: MemoryProcess.Failure("error 16 freeze")) { try other.request("freeze since a") }
        }
        try waitUntilNothingIsPending(process)
        #expect(try process.connect().request("status").split(separator: " ")[4] == "a")
        let delta = try freeze(process, "since a", keep: nil)
        #expect(try MemoryProcess.contents(of: [base.path, delta.path]) == process.dump())
    }

    @Test("a killed holder loses the mark, and the next layer is whole")
    func killedHolder() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 200")
        let control = try process.connect()
        let answer = try control.request("freeze since-start").split(separator: " ")
        _ = try control.request("copy \(process.directory.appending("first"))")
        _ = try control.request("keep a")
        let holder = try ProcessHandle(pid: #require(Int32(answer[1])))
        // Frozen for the next layer while the holder lives, which then dies before it can tell what did not change.
        try process.obey("write 2 200")
        let next = try process.connect()
        _ = try next.request("freeze since a")
        try holder.signal(SIGKILL)
        let layer = process.directory.appending("second")
        _ = try next.request("copy \(layer)")
        let both = [process.directory.appending("first"), layer]
        #expect(try MemoryProcess.contents(of: both) == process.dump())
        _ = try next.request("keep b")
        #expect(throws: MemoryProcess.Failure("error 116 freeze")) {
            try process.connect().request("freeze since a")
        }
    }

    @Test("scattered pages make a bounded number of extents")
    func extentsAreBounded() throws {
        let process = try MemoryProcess(pages: 32_768)
        defer { process.end() }
        try process.obey("write 3 9000")
        let layer = try freeze(process, "since-start", keep: nil)
        // Some 7900 pages in as many extents: joined, but at the price of no more pages than there are.
        #expect(layer.extents <= 4096)
        #expect(layer.pages <= 18_000)
        #expect(try MemoryProcess.contents(of: [layer.path], pages: 32_768) == process.dump())
    }

    @Test("a layer of another size, a missing one and a second map are refused")
    func badLayers() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        let small = process.directory.appending("small")
        try HostFile.createSparse(small, sizeInBytes: 4096)
        let control = try process.connect()
        #expect(throws: MemoryProcess.Failure("error 27 layer")) { try control.request("layer \(small)") }
        #expect(throws: MemoryProcess.Failure("error 2 layer")) { try control.request("layer /nonexistent") }
        #expect(try control.request("map") == "mapped 0")
        #expect(throws: MemoryProcess.Failure("error 114 map")) { try control.request("map") }
    }

    @Test("a layer that cannot be written is an error, and the mark stays")
    func unwritableLayer() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 50")
        _ = try freeze(process, "since-start", keep: "a")
        let control = try process.connect()
        _ = try control.request("freeze since a")
        #expect(throws: MemoryProcess.Failure("error 2 create")) { try control.request("copy /nonexistent/layer") }
        #expect(throws: MemoryProcess.Failure("disconnected")) { try control.receive() }
        #expect(try process.connect().request("status").split(separator: " ")[4] == "a")
    }

    @Test("a layer is written to an empty file that was made for it, and over nothing")
    func premadeLayer() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 50")
        for content in ["", "x"] {
            let path = process.directory.appending("made-\(content.count)")
            try content.write(toFile: path.string, atomically: false, encoding: .utf8)
            let control = try process.connect()
            _ = try control.request("freeze since-start")
            if content.isEmpty {
                #expect(try control.request("copy \(path)").hasPrefix("copied "))
                #expect(try MemoryProcess.contents(of: [path]) == process.dump())
            } else {
                #expect(throws: MemoryProcess.Failure("error 17 create")) { try control.request("copy \(path)") }
                #expect(try String(contentsOfFile: path.string, encoding: .utf8) == content)
            }
        }
    }

    @Test("unknown requests are refused, and a line without an end ends the connection")
    func badRequests() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        let control = try process.connect()
        for request in ["", "pingg", "freeze", "freeze since", "layer", "map now", "copy x", "\u{0}"] {
            #expect(throws: MemoryProcess.Failure.self) { try control.request(request) }
        }
        #expect(try control.request("ping") == "pong 4")
        #expect(throws: MemoryProcess.Failure.self) {
            try control.request(String(repeating: "x", count: 10_000))
        }
        #expect(try process.connect().request("ping") == "pong 4")
    }

    @Test("no program can be executed")
    func execIsDenied() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        #expect(try process.ask("exec") == "1")
    }

    @Test("the copies end with the process")
    func copiesEndWithProcess() async throws {
        let process = try MemoryProcess()
        let control = try process.connect()
        let answer = try control.request("freeze since-start").split(separator: " ")
        let copy = try ProcessHandle(pid: #require(Int32(answer[1])))
        process.end()
        #expect(await copy.waitForExit(timeout: .seconds(30)) != nil)
    }

    /// The library answers requests in order with the ends of its copies, so this is no wait for time to pass.
    private func waitUntilNothingIsPending(_ process: MemoryProcess) throws {
        let control = try process.connect()
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while ContinuousClock.now < deadline {
            if try control.request("status").hasSuffix(" 0") { return }
        }
        Issue.record("a copy whose client is gone stays")
    }
}
