internal import HostSystem
internal import SystemPackage

/// Saved device state: a migration stream of QEMU, in which every device has a section
///
///     04, id of the section (4), length of the name (1), name, instance (4), version (4), state …, 7e, id of the section (4)
enum DeviceState {
    /// No device state is longer: without RAM, a machine of ours has some 200 KB.
    private static let limitInBytes = 64 << 20
    private static let sectionEnd: UInt8 = 0x7e

    /// Whether two files have the same state of the device called `name`; of everything, when it has no section.
    /// Blocks.
    static func agree(_ first: FilePath, _ second: FilePath, on name: String) throws -> Bool {
        let (first, second) = try (read(first), read(second))
        guard let section = section(name, in: first) else { return first == second }
        return section == self.section(name, in: second)
    }

    /// The bytes of a device's section, from its name on.
    static func section(_ name: String, in state: [UInt8]) -> ArraySlice<UInt8>? {
        let name = [UInt8(truncatingIfNeeded: name.utf8.count)] + Array(name.utf8)
        guard let start = state.firstRange(of: name)?.lowerBound, start >= 4 else { return nil }
        let end = [sectionEnd] + state[(start - 4)..<start]
        guard let footer = state[start...].firstRange(of: end) else { return nil }
        return state[start..<footer.lowerBound]
    }

    private static func read(_ path: FilePath) throws -> [UInt8] {
        let size = try HostFile.size(of: path)
        return try HostFile.read(path, limitInBytes: Int(min(size, UInt64(limitInBytes))))
    }
}
