import GuestProtocol
import VersAPI
import VersCore

/// What the agent is told about an image, as an archive to be put behind the initramfs: the kernel unpacks one behind
/// the other. So nothing of it is in the image's own files, and nothing in them can change it.
struct WorkloadFile {
    private let workload: Workload

    init(_ configuration: ImageConfiguration, initPath: String?) throws {
        workload = Workload(
            initPath: initPath ?? "",
            arguments: configuration.arguments,
            environment: configuration.environment.compactMap { line in
                guard let equals = line.firstIndex(of: "="), equals != line.startIndex else { return nil }
                return EnvironmentVariable(
                    name: String(line[..<equals]),
                    value: String(line[line.index(after: equals)...])
                )
            },
            directory: configuration.workingDirectory,
            user: configuration.user,
            stopSignal: try Self.signal(configuration.stopSignal)
        )
        guard workload.fits else {
            throw VersError(.payloadTooLarge, "the image's command and environment are larger than an agent takes")
        }
    }

    /// In cpio's `newc` format, padded so that the next archive could follow.
    var archive: [UInt8] {
        let content = workload.encoded()
        return Self.member(Workload.path, mode: 0o100400, content) + Self.member("TRAILER!!!", mode: 0, [])
    }

    private static func member(_ path: String, mode: UInt32, _ content: [UInt8]) -> [UInt8] {
        let name = Array((path.hasPrefix("/") ? String(path.dropFirst()) : path).utf8) + [0]
        // inode, mode, uid, gid, links, mtime, size, device major and minor, the same of a device node, name, check.
        let fields: [UInt32] = [
            1, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, 0, 0, UInt32(name.count), 0,
        ]
        var bytes = Array("070701".utf8)
        for field in fields {
            let digits = String(field, radix: 16, uppercase: true)
            bytes += Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
        }
        bytes += name
        bytes += Array(repeating: 0, count: (4 - bytes.count % 4) % 4)
        bytes += content
        return bytes + Array(repeating: 0, count: (4 - bytes.count % 4) % 4)
    }

    /// `SIGTERM`, `TERM` or `15`; the default is SIGTERM.
    static func signal(_ text: String) throws -> Int32 {
        if text.isEmpty { return SIGTERM }
        if let number = Int32(text), (1...64).contains(number) { return number }
        let name = text.uppercased()
        let bare = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
        if bare.hasPrefix("RTMIN+"), let offset = Int32(bare.dropFirst(6)), (0...30).contains(offset) {
            return 34 + offset
        }
        guard let number = names[bare] else {
            throw VersError(.invalidArgument, "the image's stop signal '\(text.prefix(40))' is none that Linux has")
        }
        return number
    }

    private static let SIGTERM: Int32 = 15
    /// signal(7), for x86.
    private static let names: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "CHLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20,
        "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28, "IO": 29,
        "PWR": 30, "SYS": 31, "RTMIN": 34, "RTMAX": 64,
    ]
}
