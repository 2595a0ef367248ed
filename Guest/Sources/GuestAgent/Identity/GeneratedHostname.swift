import Glibc

/// The host name, as long as no person has chosen one.
struct GeneratedHostname {
    /// Survives a shutdown, unlike the agent.
    private static let record = "/var/lib/vers/hostname"
    private static let volatileRecord = "/run/vers/hostname"
    /// What images are called that were given no name.
    private static let placeholders: Set<String> = ["", "(none)", "localhost", "localhost.localdomain", "vers"]

    private var generated: String?

    /// Takes `name` when the present name was generated too, or is none at all.
    mutating func apply(_ name: String) throws(SystemError) {
        guard !name.isEmpty else { return }
        let present = Self.present()
        let known = generated ?? SmallFile.readLine(Self.record)
        guard present == known || Self.placeholders.contains(present) else { return }
        if name != present {
            guard sethostname(name, name.utf8.count) == 0 else { throw SystemError("set the host name") }
        }
        generated = name
        try SmallFile.replace("/etc/hostname", with: "\(name)\n", mode: 0o644)
        try SmallFile.replace(Self.volatileRecord, with: "\(name)\n", mode: 0o644)
        try SmallFile.makeDirectories(SmallFile.parent(of: Self.record))
        try SmallFile.replace(Self.record, with: "\(name)\n", mode: 0o644)
    }

    private static func present() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
