import SystemPackage
import VersAPI
import VersClient

/// `vers copy` of one large file and of many small ones, both ways; and the same by `vers execute` with `cat` and `tar`.
struct CopyScenario: Scenario {
    static let name = "copy"
    /// In a directory.
    private static let filesTogether = 100
    private static let fileBytes = 4096
    private static let diskMiB = 8192

    /// Something to copy, the lines that copy it, and how much of it there is.
    private struct Load {
        var kind: CopyKind
        var amount: Double
        var lines: [CopyWay: [CopyDirection: String]]
        /// Fails unless what came back is what was sent.
        var check: String
    }

    func run(in context: BenchmarkContext) async throws {
        let memory = context.options.memories.min() ?? 512
        var configuration = context.configuration(memoryMiB: memory)
        configuration.fs_size_mib = Self.diskMiB
        let id = try await context.client.createMachine(configuration, waitForBoot: true)
        try await context.deleting(id) {
            try await HostShell.with(context) { shell in
                try await makeFiles(shell, context.options)
                let dimensions = Dimensions(image: context.options.image, memoryMiB: memory)
                for load in loads(id, context.options) {
                    for run in 1...context.options.copyRuns {
                        Progress.say("copy: \(load.kind.title), \(run) of \(context.options.copyRuns)")
                        for way in CopyWay.allCases { try await measure(load, way, shell, dimensions, context) }
                    }
                }
            }
        }
    }

    private func makeFiles(_ shell: HostShell, _ options: BenchmarkOptions) async throws {
        let directories = options.copyFiles / Self.filesTogether
        let bytes = Self.filesTogether * Self.fileBytes
        try await shell.run(
            """
            set -e
            head -c \(options.copyMebibytes)M /dev/urandom >file
            for number in $(seq \(directories)); do
                mkdir -p tree/$number
                head -c \(bytes) /dev/urandom | split -b \(Self.fileBytes) -d - tree/$number/
            done
            """
        )
    }

    private func measure(
        _ load: Load,
        _ way: CopyWay,
        _ shell: HostShell,
        _ dimensions: Dimensions,
        _ context: BenchmarkContext
    ) async throws {
        for direction in CopyDirection.allCases {
            guard let line = load.lines[way]?[direction] else { continue }
            let start = ContinuousClock.now
            try await shell.run(line)
            let seconds = (.now - start) / .seconds(1)
            context.recorder.record(.copy(way, direction, load.kind), load.amount / seconds, on: dimensions)
        }
        try await shell.run(load.check)
    }

    private func loads(_ id: MachineID, _ options: BenchmarkOptions) -> [Load] {
        let file = Load(
            kind: .file(mebibytes: options.copyMebibytes),
            amount: Double(options.copyMebibytes),
            lines: [
                .copy: [.up: "vers copy -q file \(id):/root/file", .down: "vers copy -q \(id):/root/file back"],
                .execute: [
                    .up: "vers execute -i \(id) -- sh -c 'cat >/root/file' <file",
                    .down: "vers execute \(id) -- cat /root/file >back",
                ],
            ],
            check: "cmp file back && rm back"
        )
        let tree = Load(
            kind: .tree(files: options.copyFiles),
            amount: Double(options.copyFiles),
            lines: [
                .copy: [
                    .up: "vers copy -q -r tree/. \(id):/root/tree", .down: "vers copy -q -r \(id):/root/tree/. back",
                ],
                .execute: [
                    .up: """
                    tar -C tree -cf - . | vers execute -i \(id) -- sh -c 'mkdir -p /root/tree && tar -C /root/tree -xf -'
                    """,
                    .down: "mkdir back && vers execute \(id) -- tar -C /root/tree -cf - . | tar -C back -xf -",
                ],
            ],
            check: "diff -r tree back && rm -r back && vers execute \(id) -- rm -r /root/tree"
        )
        return [file, tree]
    }
}

/// What copies.
enum CopyWay: String, CaseIterable {
    case copy
    case execute = "baseline.copy"

    var title: String { self == .copy ? "vers copy" : "vers execute with cat or tar" }
}

enum CopyDirection: String, CaseIterable {
    case up
    case down

    var title: String { self == .up ? "to the guest" : "from the guest" }
}

enum CopyKind: Sendable {
    case file(mebibytes: Int)
    case tree(files: Int)

    var name: String {
        switch self {
        case .file: "file"
        case .tree: "tree"
        }
    }

    var title: String {
        switch self {
        case .file(let mebibytes): "a file of \(mebibytes) MiB"
        case .tree(let files): "\(files) files of 4 KiB"
        }
    }

    var unit: Unit {
        switch self {
        case .file: .mebibytesPerSecond
        case .tree: .perSecond
        }
    }
}
