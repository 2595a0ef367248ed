import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Whether the kernel tells which pages were written (Linux 6.7).
enum Precopy {
    static let isPossible: Bool = {
        guard let process = try? MemoryProcess() else { return false }
        defer { process.end() }
        return (try? process.connect().request("ahead \(process.directory.appending("layer"))")) == "ahead"
    }()
}

@Suite(
    "layers that are written ahead of their freeze",
    .serialized,
    .timeLimit(.minutes(3)),
    .enabled(if: Precopy.isPossible, "needs Linux 6.7")
)
struct PrecopyTests {
    /// What the library says of a freeze.
    private struct Freeze {
        var control: ControlConnection
        var layer: FilePath
        var armed: [Substring]
        var trigger: FilePath
    }

    private func arm(_ process: MemoryProcess, _ mode: String) throws -> Freeze {
        let name = UUID().uuidString
        let layer = process.directory.appending("layer-\(name)")
        let trigger = process.directory.appending("trigger-\(name)")
        let control = try process.connect()
        #expect(try control.request("at \(trigger)") == "at")
        #expect(try control.request("ahead \(layer)") == "ahead")
        let armed = try control.request("freeze \(mode)").split(separator: " ")
        #expect(armed.first == "armed")
        return Freeze(control: control, layer: layer, armed: armed, trigger: trigger)
    }

    /// - Returns: the pid of the copy, or 0.
    private func happen(_ freeze: Freeze, in process: MemoryProcess) throws -> Int32 {
        try process.obey("open \(freeze.trigger)")
        let frozen = try freeze.control.receive().split(separator: " ")
        #expect(frozen.first == "frozen" && frozen.count == 3)
        return Int32(frozen[1]) ?? -1
    }

    @Test("what is written until the freeze is in the layer, and nothing of what is written after")
    func moment() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("write 1 500")
        let freeze = try arm(process, "since-start")
        #expect(freeze.armed.count == 4)
        try process.obey("write 2 300")
        let expected = try process.dump()
        #expect(try happen(freeze, in: process) == 0)
        try process.obey("write 3 500")
        #expect(try freeze.control.request("copy \(freeze.layer)").hasPrefix("copied "))
        #expect(try process.connect().request("status").hasSuffix(" - 1"))
        #expect(try freeze.control.request("keep a") == "kept")
        #expect(try process.connect().request("status").hasSuffix(" a 0"))
        #expect(try MemoryProcess.contents(of: [freeze.layer]) == expected)
    }

    @Test("a guest that writes all the time is frozen as it was", arguments: 1...4)
    func busyGuest(seed: UInt64) throws {
        let pages = 16384
        let process = try MemoryProcess(pages: pages)
        defer { process.end() }
        try process.obey("write \(seed) 9000")
        var layers: [FilePath] = []
        for round in 0..<4 {
            try process.obey("hammer \(seed * 10 + UInt64(round))")
            let freeze = try arm(process, round == 0 ? "since-start" : "since mark-\(round - 1)")
            #expect(Int(freeze.armed[2]) ?? 0 >= 2)
            // The machine stops.
            try process.obey("rest")
            let expected = try process.dump()
            _ = try happen(freeze, in: process)
            try process.obey("hammer \(seed * 100)")
            #expect(try freeze.control.request("copy \(freeze.layer)").hasPrefix("copied "))
            #expect(try freeze.control.request("keep mark-\(round)") == "kept")
            try process.obey("rest")
            layers.append(freeze.layer)
            #expect(try MemoryProcess.contents(of: layers, pages: pages) == expected, "round \(round)")
        }
    }

    @Test("a copy writes what is more than can be set aside, and needs not stay")
    func muchAtTheEnd() throws {
        let pages = 16384
        let process = try MemoryProcess(pages: pages)
        defer { process.end() }
        try process.obey("fill 100 1000 1")
        let first = try arm(process, "since-start")
        try process.obey("fill 2000 9000 2")
        var expected = try process.dump()
        let copy = try happen(first, in: process)
        #expect(copy > 0)
        try process.obey("fill 2000 9000 3")
        #expect(try first.control.request("copy \(first.layer)").hasPrefix("copied 10000 2 "))
        #expect(try first.control.request("keep a") == "kept")
        #expect(try MemoryProcess.contents(of: [first.layer], pages: pages) == expected)
        try eventually { kill(copy, 0) != 0 }
        // The next layer holds what was written since, and needs nobody to say so.
        try process.obey("fill 14000 5 4")
        let second = try arm(process, "since a")
        expected = try process.dump()
        #expect(try happen(second, in: process) == 0)
        #expect(try second.control.request("copy \(second.layer)").hasPrefix("copied 9005 2 "))
        #expect(try second.control.request("keep b") == "kept")
        #expect(try MemoryProcess.contents(of: [first.layer, second.layer], pages: pages) == expected)
    }

    @Test("what a freeze was to save that was given up is in the next layer", arguments: [false, true])
    func givenUp(isFrozen: Bool) throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("fill 0 100 1")
        let first = try arm(process, "since-start")
        #expect(try happen(first, in: process) == 0)
        #expect(try first.control.request("copy \(first.layer)").hasPrefix("copied 100 1 "))
        #expect(try first.control.request("keep a") == "kept")
        try process.obey("fill 200 100 2")
        do {
            let second = try arm(process, "since a")
            try process.obey("fill 400 100 3")
            if isFrozen { #expect(try happen(second, in: process) == 0) }
        }
        try eventually { try process.connect().request("status").hasSuffix(" a 0") }
        try process.obey("fill 600 100 4")
        let expected = try process.dump()
        let third = try arm(process, "since a")
        #expect(try happen(third, in: process) == 0)
        #expect(try third.control.request("copy \(third.layer)").hasPrefix("copied 300 3 "))
        #expect(try MemoryProcess.contents(of: [first.layer, third.layer]) == expected)
    }

    @Test("pages that are only read are not in a layer")
    func pagesThatAreRead() throws {
        let writer = try MemoryProcess()
        defer { writer.end() }
        try writer.obey("fill 0 4000 7")
        let base = try arm(writer, "since-start")
        #expect(try happen(base, in: writer) == 0)
        #expect(try base.control.request("copy \(base.layer)").hasPrefix("copied 4000 1 "))
        let reader = try MemoryProcess()
        defer { reader.end() }
        try reader.map([base.layer])
        let first = try arm(reader, "since-start")
        #expect(try happen(first, in: reader) == 0)
        #expect(try first.control.request("copy \(first.layer)").hasPrefix("copied 0 0 "))
        #expect(try first.control.request("keep a") == "kept")
        try reader.obey("read 4000")
        try reader.obey("fill 50 2 8")
        let second = try arm(reader, "since a")
        #expect(try happen(second, in: reader) == 0)
        #expect(try second.control.request("copy \(second.layer)").hasPrefix("copied 2 1 "))
    }

    @Test("a layer since a mark that has a holder is its copy's to write, and the one after it is not")
    func markWithHolder() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("fill 0 100 1")
        let control = try process.connect()
        let base = process.directory.appending("base")
        #expect(try control.request("freeze since-start").hasPrefix("frozen "))
        #expect(try control.request("copy \(base)").hasPrefix("copied 100 "))
        #expect(try control.request("keep a") == "kept")
        try process.obey("fill 200 100 2")
        let second = try arm(process, "since a")
        #expect(second.armed.count == 1)
        #expect(try happen(second, in: process) > 0)
        #expect(try second.control.request("copy \(second.layer)").hasPrefix("copied 100 1 "))
        #expect(try second.control.request("keep b") == "kept")
        try process.obey("fill 400 100 3")
        let third = try arm(process, "since-start")
        #expect(third.armed.count == 4)
        let expected = try process.dump()
        #expect(try happen(third, in: process) == 0)
        #expect(try third.control.request("copy \(third.layer)").hasPrefix("copied 300 3 "))
        #expect(try third.control.request("keep c") == "kept")
        #expect(try MemoryProcess.contents(of: [third.layer]) == expected)
        // The holder is gone with its mark.
        try eventually { try !ProcessTable.processes().contains { ProcessTable.parent(of: $0) == process.pid } }
    }

    @Test("what does not fit is refused, and a disk that is full is named")
    func refusals() throws {
        let process = try MemoryProcess()
        defer { process.end() }
        try process.obey("fill 0 100 1")
        let freeze = try arm(process, "since-start")
        #expect(throws: MemoryProcess.Failure("error 16 ahead")) { try process.connect().request("ahead /x") }
        #expect(throws: MemoryProcess.Failure("error 16 freeze")) { try process.connect().request("freeze everything") }
        #expect(try happen(freeze, in: process) == 0)
        #expect(throws: MemoryProcess.Failure("error 16 freeze")) { try process.connect().request("freeze everything") }
        #expect(throws: MemoryProcess.Failure("error 22 request")) { try freeze.control.request("keep early") }
        #expect(throws: MemoryProcess.Failure("error 22 request")) { try freeze.control.request("copy /elsewhere") }
        #expect(try freeze.control.request("copy \(freeze.layer)").hasPrefix("copied "))
        #expect(throws: MemoryProcess.Failure("error 22 request")) {
            try freeze.control.request("copy \(freeze.layer)")
        }
        #expect(try freeze.control.request("keep a") == "kept")
        #expect(throws: MemoryProcess.Failure("error 17 create")) {
            let control = try process.connect()
            _ = try control.request("ahead \(freeze.layer)")
            _ = try control.request("freeze since a")
        }
        #expect(throws: MemoryProcess.Failure("error 116 freeze")) {
            let control = try process.connect()
            _ = try control.request("ahead \(process.directory.appending("other"))")
            _ = try control.request("freeze since another")
        }
        // Nothing is left of them.
        #expect(try process.connect().request("status").hasSuffix(" a 0"))
    }

    @Test(
        "what a guest of KVM writes is told as what a thread writes",
        .enabled(if: access("/dev/kvm", R_OK | W_OK) == 0, "needs /dev/kvm")
    )
    func guestOfKVM() throws {
        let guest = try Compiled.guest()
        for seed in 1...4 {
            let status = try Compiled.status(of: guest, ["\(seed)"])
            // 77: not even one instruction runs under this /dev/kvm.
            #expect(status == 0 || status == 77, "seed \(seed)")
        }
    }

    @Test("nothing is written ahead where tracking is off")
    func off() throws {
        let process = try MemoryProcess(tracks: false)
        defer { process.end() }
        #expect(throws: MemoryProcess.Failure("error 95 ahead")) { try process.connect().request("ahead /x") }
    }

    private func eventually(_ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw MemoryProcess.Failure("not in time") }
            usleep(5_000)
        }
    }
}
