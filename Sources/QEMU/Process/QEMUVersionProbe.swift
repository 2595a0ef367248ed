internal import Glibc
internal import HostSystem
internal import SystemPackage
internal import VersAPI

/// Asks a QEMU for its version.
enum QEMUVersionProbe {
    /// `7.2` for 7.2.22: saved device state loads within a stable series.
    static func probe(_ executable: FilePath) async throws -> String {
        guard let output = try? await run(executable, timeout: .seconds(20)), let version = parse(output) else {
            throw VersError(
                .unsupported,
                "no QEMU answers at '\(executable)'",
                hint: "install it with `apt-get install qemu-system-x86`"
            )
        }
        return version
    }

    /// The series in the first line: `QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)`.
    static func parse(_ output: String) -> String? {
        guard let range = output.firstRange(of: "version ") else { return nil }
        let numbers = output[range.upperBound...].prefix { $0.isNumber || $0 == "." }.split(separator: ".")
        guard numbers.count >= 2 else { return nil }
        return "\(numbers[0]).\(numbers[1])"
    }

    private static func run(_ executable: FilePath, timeout: Duration) async throws -> String {
        let file = FilePath("/tmp/vers-qemu-version-\(getpid())-\(UInt64.random(in: .min ... .max))")
        defer { unlink(file.string) }
        let process = DetachedProcess(
            executable: executable,
            arguments: ["--version"],
            environment: ["LC_ALL": "C"],
            workingDirectory: "/",
            output: file
        )
        let handle = try await BlockingPool.run { try process.start() }
        if await handle.waitForExit(timeout: timeout) == nil { try handle.signal(SIGKILL) }
        return try HostFile.readText(file, limitInBytes: 4096)
    }
}
