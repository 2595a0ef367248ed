internal import ArgumentParser
internal import EngineTestSupport
internal import QEMU
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// Runs the engine on real guests outside a test runner: as a check inside a guest that offers KVM, and to measure.
@main
struct EngineCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine-check",
        abstract: "Branch real guests, and check or measure it.",
        subcommands: [Prepare.self, Branch.self, Measure.self]
    )
}

struct Place: ParsableArguments {
    @Option(help: "Where the guest, the memory library and the machines are.")
    var root: String

    @Option(help: "kvm, tcg or automatic.")
    var accelerator = "automatic"

    @Option(help: "Guest memory in MiB.")
    var memory = 256

    func engine() async throws -> TestEngine {
        guard let preference = AcceleratorPreference(rawValue: accelerator) else {
            throw ValidationError("unknown accelerator '\(accelerator)': expected kvm, tcg or automatic")
        }
        let root = FilePath(root)
        let library = root.appending("libramlayers.so")
        return try await TestEngine(root: root, library: library, accelerator: preference, memoryMiB: memory)
    }
}

struct Prepare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Build the guest and the memory library.")

    @OptionGroup var place: Place

    func run() async throws { _ = try TestEngine.build(in: FilePath(place.root)) }
}

struct Branch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Boot a guest, branch it twice, and check that all three go on."
    )

    @OptionGroup var place: Place

    func run() async throws {
        let engine = try await place.engine()
        print("accelerator \(engine.hypervisor.accelerator.name): \(engine.hypervisor.accelerator.reason)")
        let booted = try await engine.bootedCommit()
        try await TestMachine.withChild(of: booted, on: engine) { parent in
            // Written all the time, in the same places.
            let write = "dd if=/dev/urandom of=/tmp/busy bs=4096 count=500 conv=notrunc"
            try await parent.shell.run("(while :; do \(write); done) </dev/null >/dev/null 2>&1 &")
            var sums: [String] = []
            var before = booted
            for round in 1...4 {
                let file = "/tmp/\(round)"
                sums.append(try await parent.shell.run("head -c 3000000 /dev/urandom >\(file); md5sum <\(file)"))
                let count = try await parent.count()
                let delta: MemoryDelta = round == 1 ? .sinceStart : .since(mark: before.id)
                let commit = try await TestCommit.freeze(parent.vm, root: engine.root, parent: before, delta: delta)
                print("branch \(round): \(Self.describe(commit.report)), layer \(commit.layer.bytes / 1024) KiB")
                try await TestMachine.withChild(of: commit, on: engine) { child in
                    try await child.waitForCount(above: count + 10)
                    try await parent.waitForCount(above: count + 10)
                    try await check(child, sums, "child \(round)")
                }
                before = commit
            }
            try await check(parent, sums, "parent")
        }
        print("engine check passed")
    }

    private static func describe(_ report: FreezeReport) -> String {
        guard let ahead = report.ahead else { return "pause \(report.pause)" }
        return "written ahead in \(ahead.passes) passes, pause \(report.pause)"
    }

    private func check(_ machine: TestMachine, _ sums: [String], _ name: String) async throws {
        for (index, sum) in sums.enumerated() {
            guard try await machine.shell.run("md5sum </tmp/\(index + 1)") == sum else {
                throw VersError(.internal, "file \(index + 1) differs in the memory of \(name)")
            }
        }
    }
}
