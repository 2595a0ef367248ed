import Testing
import VersAPI

@testable import Benchmarking

@Suite("The daemon's log")
struct DaemonLogTests {
    private static let commit = "0e5b2c0e-6a8c-4b41-9c37-0d5a5a4c3b11"
    private static let freeze =
        "2026-11-22T17:05:10+0000 info versd: commit.id=\(commit) commit.kind=branch freeze.pause-us=8125 "
        + "freeze.steps-us=stop:812,device-state:2310,freeze:4003 layer.ahead-us=12500 layer.bytes=20971520 layer.depth=2 "
        + "layer.duration-us=15250 layer.extents=12 vm.id=5f0c2f0e-9b1d-4e5e-8a53-0f6b5d9f3a77 [VersCore] commit made"

    @Test("tells what the engine measured of a freeze")
    func reading() throws {
        let freeze = try #require(DaemonLog.freeze(in: Self.freeze))
        #expect(freeze.commit == CommitID(Self.commit))
        #expect(freeze.pauseMilliseconds == 8.125)
        #expect(freeze.steps.map(\.name) == ["stop", "device-state", "freeze"])
        #expect(freeze.steps.map(\.milliseconds) == [0.812, 2.31, 4.003])
        #expect(freeze.layerBytes == 20_971_520)
        #expect(freeze.layerMilliseconds == 15.25)
        #expect(freeze.layerAheadMilliseconds == 12.5)
    }

    @Test("tells a freeze of which nothing was written ahead")
    func nothingAhead() throws {
        let line = Self.freeze.replacing("layer.ahead-us=12500 ", with: "")
        #expect(try #require(DaemonLog.freeze(in: line)).layerAheadMilliseconds == nil)
    }

    @Test("has other lines, which are no freeze")
    func otherLines() {
        #expect(DaemonLog.freeze(in: Self.freeze.replacing("commit made", with: "commit removed")) == nil)
        #expect(DaemonLog.freeze(in: "") == nil)
    }

    @Test(
        "is not believed when a value is damaged",
        arguments: [
            ("freeze.pause-us=8125", "freeze.pause-us=fast"), ("stop:812", "stop"),
            (commit, "not-a-uuid"), ("layer.bytes=20971520 ", ""),
        ]
    )
    func damage(good: String, bad: String) {
        #expect(DaemonLog.freeze(in: Self.freeze.replacing(good, with: bad)) == nil)
    }

    @Test("tells the hypervisor and the accelerator, even with a reason of several words before them")
    func opening() {
        let line =
            "2026-11-22T17:05:10+0000 info versd: accelerator.name=tcg accelerator.reason=no vmx or svm flag "
            + "hypervisor.version=7.2.22 instance.home=/tmp/x [versd] instance opened"
        #expect(DaemonLog.opening(in: line) == DaemonLog.Opening(hypervisorVersion: "7.2.22", accelerator: "tcg"))
    }
}
