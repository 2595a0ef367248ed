public import SystemPackage

/// What is measured, and how often.
public struct BenchmarkOptions: Sendable {
    public var image = "default"
    public var runs = 30
    /// Of guests, in MiB.
    public var memories = [512, 4096]
    /// Megabytes changed between two branches.
    public var dirtySets = [20, 200]
    /// How many VMs are started from one commit at once.
    public var fanOuts = [10, 30]
    /// Under load: live VMs, rows of deleted ones, requests of each kind, and followed commands.
    public var loadMachines = 30
    public var loadHistory = 10_000
    public var loadRequests = 2000
    public var loadStreams = 200
    /// Cold boots take 10 to 20 s of the default image under software emulation.
    public var boots = 5
    /// Branches with stock QEMU of each dimension; each takes seconds.
    public var baselineRuns = 10
    /// Between two runs, so that what one leaves in the background (a layer's fsync, a process that ends) is not
    /// measured in the next.
    public var rest: Duration = .milliseconds(300)
    public var tickInterval: Duration = .milliseconds(1)
    /// How long `versd` is watched at rest.
    public var idleWindow: Duration = .seconds(10)
    /// Connections into a guest at once, and what they carry in all in each direction.
    public var connections = [1, 100]
    public var streamMebibytes = 64
    /// Copied each way: one file of so many MiB, and so many files of 4 KiB, in hundreds.
    public var copyMebibytes = 1024
    public var copyFiles = 10_000
    /// Each takes minutes: no more than three.
    var copyRuns: Int { min(runs, 3) }
    /// `versd --standby` of the instance.
    public var standbyCount = 2
    /// Empty means all.
    public var scenarios: Set<String> = []
    public var guestProgram: FilePath
    /// The program `vers`.
    public var vers: FilePath

    /// How new VMs' processes come about: `standby` when they wait already, `cold` when the request starts them.
    var start: String { standbyCount > 0 ? "standby" : "cold" }

    public init(guestProgram: FilePath, vers: FilePath) {
        self.guestProgram = guestProgram
        self.vers = vers
    }

    /// Few of everything: proves that the benchmark works, not more.
    public mutating func reduce() {
        runs = 3
        memories = Array(memories.prefix(1))
        dirtySets = Array(dirtySets.prefix(1))
        fanOuts = [4]
        loadMachines = 4
        loadRequests = 200
        loadStreams = 20
        boots = 1
        baselineRuns = 2
        idleWindow = .seconds(2)
        streamMebibytes = 16
        copyMebibytes = 64
        copyFiles = 500
    }
}
