import Foundation
import SystemPackage
import VersAPI
import VersClient
import VersCore

/// From the start of OpenSSH to the prompt of a shell in the guest: through the front door, as `vers ssh-config` has it, and
/// by the port forwarding of QEMU's user-mode network to the same server in an equal guest of stock QEMU.
struct SSHScenario: Scenario {
    static let name = "ssh"
    private static let program: FilePath = "/usr/bin/ssh"
    private static let prompt = "# "
    private static let port: UInt16 = 22
    /// Not measured: the first runs of a program translate its code.
    private static let warmUps = 2

    func run(in context: BenchmarkContext) async throws {
        let memory = context.options.memories.min() ?? 512
        try await HostShell.with(context) { shell in
            try await context.withMachine(memoryMiB: memory) { id in
                try await StockGuest.with(memoryMiB: memory, forwarding: [Self.port], in: context) { stock in
                    try await shell.run("vers ssh-config \(id) >config")
                    var ways: [(Metric, [String])] = [(.prompt, ["-F", "config", "-tt", "\(id)"])]
                    if let arguments = try await baseline(stock, shell) { ways.append((.baselinePrompt, arguments)) }
                    try await measure(ways, shell, memoryMiB: memory, in: context)
                }
            }
        }
    }

    private func measure(
        _ ways: [(Metric, [String])],
        _ shell: HostShell,
        memoryMiB: Int,
        in context: BenchmarkContext
    ) async throws {
        let dimensions = Dimensions(image: context.options.image, memoryMiB: memoryMiB)
        for run in 1 - Self.warmUps...context.options.runs {
            for (metric, arguments) in ways {
                let duration = try await shell.timeToPrompt(Self.program, arguments, prompt: Self.prompt)
                if run > 0 { context.recorder.record(metric, duration, on: dimensions) }
            }
        }
    }

    /// Gives the stock guest keys.
    /// - Returns: what `ssh` is told; nil when the image has no server of its own, which only the agent could replace.
    private func baseline(_ stock: StockGuest, _ shell: HostShell) async throws -> [String]? {
        do {
            try await stock.session.runToSuccess(["test", "-x", "/usr/sbin/sshd"])
        } catch {
            Progress.say("ssh: the image has no SSH server, so there is no baseline")
            return nil
        }
        try await shell.run("for name in user host; do ssh-keygen -q -t ed25519 -N '' -f $name; done")
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: shell.directory.appending(name).string, encoding: .utf8)
        }
        try await stock.session.applyIdentity(
            GuestIdentity(
                machineID: MachineID(),
                entropy: (0..<64).map { _ in UInt8.random(in: .min ... .max) },
                wallClockNanoseconds: UInt64(Date().timeIntervalSince1970 * 1e9),
                hostname: "vm-stock",
                authorizedKey: try text("user.pub").trimmingCharacters(in: .newlines),
                sshHostKey: try text("host"),
                environment: [:],
                dropsConnections: false
            )
        )
        return [
            "-F", "none", "-tt", "-p", "\(try stock.hostPort(for: Self.port))", "-i", "user",
            "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1",
        ]
    }
}
