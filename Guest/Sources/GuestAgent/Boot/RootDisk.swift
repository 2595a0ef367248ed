import Glibc

/// The disk that the image is on.
enum RootDisk {
    private static let deadlineInMilliseconds: UInt64 = 30_000

    static func mount(_ commandLine: KernelCommandLine, at path: String, events: Int32) throws(SystemError) {
        try wait(for: commandLine.rootDevice, events: events)
        mkdir(path, 0o755)
        let types = commandLine.rootType.isEmpty ? knownTypes() : [commandLine.rootType]
        for type in types
        where Glibc.mount(commandLine.rootDevice, path, type, UInt(MS_RELATIME), nil) == 0 {
            return
        }
        throw SystemError("mount \(commandLine.rootDevice) as one of \(types.joined(separator: ", "))")
    }

    /// The kernel announces each device; nothing is polled.
    private static func wait(for device: String, events: Int32) throws(SystemError) {
        let deadline = Clock.monotonicMilliseconds() + deadlineInMilliseconds
        var buffer = [UInt8](repeating: 0, count: 8192)
        while !SmallFile.exists(device) {
            let now = Clock.monotonicMilliseconds()
            guard now < deadline else {
                throw SystemError("wait \(deadlineInMilliseconds / 1000) s for the root disk \(device)", ENODEV)
            }
            var poller = pollfd(fd: events, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, Int32(deadline - now)) > 0 else { continue }
            while recv(events, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
        }
    }

    /// Filesystems of the kernel that live on a disk, ext4 first.
    private static func knownTypes() -> [String] {
        let lines = (SmallFile.readText("/proc/filesystems") ?? "").split(separator: "\n")
        let types = lines.filter { !$0.hasPrefix("nodev") }.map { String($0.drop { $0 == "\t" }) }
        return ["ext4"] + types.filter { !["ext4", "ext3", "ext2"].contains($0) }
    }
}
