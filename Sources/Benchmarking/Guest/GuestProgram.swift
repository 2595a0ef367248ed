import Foundation
import HostSystem
public import SystemPackage
import VersAPI
import VersClient

/// `bench-guest`, which dirties memory and ticks inside guests.
public struct GuestProgram: Sendable {
    static let path = "/var/tmp/bench-guest"
    /// Memory that is dirty stays dirty in a file of a tmpfs.
    static let directory = "/mnt"

    /// The commands that make it ready. The tmpfs may take nearly all of memory: 200 MB are more than the default
    /// half of 512 MiB less the kernel's own.
    static let preparation = ["mount", "-t", "tmpfs", "-o", "size=90%", "tmpfs", directory]

    static func dirty(megabytes: Int) -> [String] {
        [path, "dirty", "\(directory)/dirty", "\(megabytes * 1_000_000)"]
    }

    static func tick(every interval: Duration) -> [String] {
        [path, "tick", "\(Int(interval / .microseconds(1)))"]
    }

    let bytes: [UInt8]

    /// - Parameter executable: `Benchmarks/guest/bench-guest.c`, linked statically.
    public init(executable: FilePath) throws {
        bytes = Array(try Data(contentsOf: URL(filePath: executable.string)))
    }

    func install(in machine: MachineID, of client: VersClient) async throws {
        try await client.writeFile(bytes, to: Self.path, in: machine, mode: 0o755)
        try await client.runToSuccess(Self.preparation, in: machine)
    }
}

extension VersClient {
    /// Runs a command that must succeed.
    func runToSuccess(_ command: [String], in machine: MachineID) async throws {
        let result = try await execute(ExecRequest(command: command), in: machine)
        guard result.exit_code == 0 else {
            throw VersError(
                .internal,
                "'\(command.joined(separator: " "))' ended with \(result.exit_code) in vm \(machine): "
                    + result.stderr.prefix(400)
            )
        }
    }
}
