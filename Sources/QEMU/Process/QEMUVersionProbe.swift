internal import Subprocess
internal import SystemPackage
internal import VersAPI

/// Asks a QEMU for its version.
enum QEMUVersionProbe {
    /// `7.2` for 7.2.22: saved device state loads within a stable series.
    static func probe(_ executable: FilePath) async throws -> String {
        guard let output = try? await run(executable), let version = parse(output) else {
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

    private static func run(_ executable: FilePath) async throws -> String? {
        let result = try await Subprocess.run(
            .path(executable),
            arguments: ["--version"],
            output: .string(limit: 4096),
            error: .discarded
        )
        return result.standardOutput
    }
}
