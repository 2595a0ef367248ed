/// Something that is measured: its name in the results, what it means, and what it is to reach.
public struct Metric: Sendable {
    public var name: String
    public var title: String
    public var unit: Unit
    public var targets: [Target]

    init(_ name: String, _ title: String, _ unit: Unit = .milliseconds, targets: [Target] = []) {
        self.name = name
        self.title = title
        self.unit = unit
        self.targets = targets
    }
}

/// The unit of a metric's samples.
public enum Unit: String, Codable, Sendable {
    case milliseconds = "ms"
    case mebibytes = "MiB"
    case mebibytesPerSecond = "MiB/s"
    /// Of one processor.
    case percent = "%"
    case perSecond = "1/s"
}

extension Metric {
    // Branch of a running VM.
    static let pause = Metric(
        "branch.pause",
        "branch: pause of the parent",
        targets: [Target(.p50, atMost: 10), Target(.p99, atMost: 30)]
    )
    static let layerAhead = Metric("branch.layer-ahead", "branch: layer written, before the pause")
    static let layer = Metric("branch.layer", "branch: layer written, after the pause")
    static let layerSize = Metric("branch.layer-size", "branch: size of the layer", .mebibytes)
    static let branchRunning = Metric(
        "branch.running",
        "branch: request to child running",
        targets: [Target(.p50, atMost: 150)]
    )
    static let branchAnswering = Metric("branch.answering", "branch: request to child's answer to `true`")
    static let gap = Metric("branch.gap", "branch: longest silence of the parent, seen from outside")
    static let quietGap = Metric("branch.gap-quiet", "no branch: longest silence, the noise of the above")

    /// One part of the pause.
    static func step(_ name: String) -> Metric { Metric("branch.pause.\(name)", "branch: pause, of it \(name)") }

    // Commits.
    static let commit = Metric("commit", "commit, on stable storage")
    static let runCommit = Metric("run-commit.running", "run-commit: request to VM running")
    static let runCommitAnswering = Metric("run-commit.answering", "run-commit: request to answer to `true`")

    // New VMs.
    static let run = Metric("run.running", "run: request to VM running", targets: [Target(.p50, atMost: 300)])
    static let runAnswering = Metric("run.answering", "run: request to answer to `true`")
    static let bootCommit = Metric("boot.commit", "first run: boot, settle, freeze, start")
    static let coldBoot = Metric("boot.cold", "cold boot: QEMU's start to agent ready")

    // One VM.
    static let pauseCall = Metric("pause", "pause")
    static let resumeCall = Metric("resume", "resume")
    static let exec = Metric("exec.true", "exec of `true`", targets: [Target(.p50, atMost: 60)])

    // Many VMs.
    static let fanOut = Metric("fan-out.total", "children of one commit: all running")
    static let fanOutEach = Metric("fan-out.each", "children of one commit: total divided by N")
    static let fanOutAnswering = Metric("fan-out.answering", "children of one commit: all have answered `true`")
    static let childMemory = Metric("child.memory", "private memory of an idle child", .mebibytes)
    static let daemonMemory = Metric(
        "versd.memory",
        "versd: resident memory",
        .mebibytes,
        targets: [Target(.maximum, atMost: 120)]
    )
    static let daemonCPU = Metric("versd.cpu", "versd: CPU at rest", .percent, targets: [Target(.maximum, atMost: 1)])

    // Connections into a guest, and by the port forwarding of QEMU's user-mode network into an equal one.
    static func download(_ way: StreamWay, connections: Int) -> Metric {
        Metric(
            "\(way.rawValue).down.\(connections)",
            "\(way.title), \(connections): from the guest",
            .mebibytesPerSecond
        )
    }

    static func upload(_ way: StreamWay, connections: Int) -> Metric {
        Metric("\(way.rawValue).up.\(connections)", "\(way.title), \(connections): to the guest", .mebibytesPerSecond)
    }

    static func roundTrip(_ way: StreamWay, connections: Int) -> Metric {
        Metric("\(way.rawValue).round-trip.\(connections)", "\(way.title), \(connections): there and back")
    }

    static let prompt = Metric("ssh.prompt", "ssh through the front door: start to prompt")
    static let baselinePrompt = Metric("baseline.ssh.prompt", "ssh by QEMU's port forwarding: start to prompt")

    static func copy(_ way: CopyWay, _ direction: CopyDirection, _ kind: CopyKind) -> Metric {
        Metric(
            "\(way.rawValue).\(direction.rawValue).\(kind.name)",
            "\(way.title), \(direction.title): \(kind.title)",
            kind.unit
        )
    }

    // Many requests.
    static func latency(_ load: Load) -> Metric { Metric("load.\(load.name).latency", load.title) }
    static func rate(_ load: Load) -> Metric { Metric("load.\(load.name).rate", "\(load.title): rate", .perSecond) }
    static let quietMemory = Metric("versd.memory-before-streams", "versd: resident memory, no command", .mebibytes)
    static let streamMemory = Metric(
        "versd.memory-with-streams",
        "versd: resident memory, commands followed",
        .mebibytes,
        targets: [Target(.maximum, atMost: 160)]
    )
    static let unreadMemory = Metric(
        "versd.memory-with-unread",
        "versd: … and one that floods and is not read",
        .mebibytes,
        targets: [Target(.maximum, atMost: 160)]
    )

    // The same with stock QEMU.
    static let baselinePause = Metric("baseline.pause", "stock QEMU: pause of the parent")
    static let baselineRunning = Metric("baseline.running", "stock QEMU: request to child running")
    static let baselineAnswering = Metric("baseline.answering", "stock QEMU: request to child's answer to `true`")
    static let baselineSize = Metric("baseline.size", "stock QEMU: size of the saved state", .mebibytes)
}
