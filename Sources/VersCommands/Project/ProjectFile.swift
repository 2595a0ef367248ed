internal import SystemPackage
import TOMLKit
import VersAPI

/// `vers.toml` in the working directory: what `vers run` starts when its options do not say.
struct ProjectFile: Equatable {
    static let name = "vers.toml"

    var memoryMiB: Int?
    var vcpuCount: Int?
    var diskMiB: Int?
    var imageName: String?
    var kernelName: String?
    var network: NetworkConfiguration?

    /// Nil when there is none.
    static func read(_ context: CommandContext) throws -> Self? {
        let path = context.workingPath.appending(name)
        guard let text = try UserFile.read(path) else { return nil }
        return try Self(parsing: text)
    }

    /// Unknown keys are ignored. `fs_size_mib` is a synonym of `fs_size_vm_mib`.
    /// - Throws: `.invalidArgument` with the line of a syntax error, or the key of a wrong value.
    init(parsing text: String) throws {
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw VersError(
                .invalidArgument,
                "error parsing vers.toml: line \(error.source.begin.line), column \(error.source.begin.column): "
                    + error.description.lowercasedFirst,
                hint: "see 'vers init --help' for what the file may hold"
            )
        }
        let machine = try Self.table("machine", in: table)
        memoryMiB = try Self.positive("mem_size_mib", in: machine)
        vcpuCount = try Self.positive("vcpu_count", in: machine)
        // The public command line takes a disk of 0 for the default.
        diskMiB =
            try Self.positive("fs_size_vm_mib", in: machine, zeroIsDefault: true)
            ?? Self.positive("fs_size_mib", in: machine, zeroIsDefault: true)
        imageName = try Self.name(in: Self.table("rootfs", in: table), of: "rootfs")
        kernelName = try Self.name(in: Self.table("kernel", in: table), of: "kernel")
        network = try Self.network(in: table)
    }

    /// `network = "bridge"`, or a table with `mode`, `egress` and `allow`.
    private static func network(in root: TOMLTable) throws -> NetworkConfiguration? {
        guard let value = root["network"] else { return nil }
        if let text = value.string { return NetworkConfiguration(mode: try choice(text, of: "network")) }
        guard let table = value.table else { throw wrong("network", "a mode in quotes, or a table") }
        guard let mode = table["mode"]?.string else { throw wrong("network.mode", "a mode in quotes") }
        var result = NetworkConfiguration(mode: try choice(mode, of: "network.mode"))
        if let egress = table["egress"] {
            guard let text = egress.string else { throw wrong("network.egress", "a policy in quotes") }
            result.egress = try choice(text, of: "network.egress")
        }
        if let allow = table["allow"] {
            guard let entries = allow.array?.map(\.string), !entries.contains(nil) else {
                throw wrong("network.allow", "an array of texts")
            }
            result.allow = entries.compactMap(\.self)
        }
        return result
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(_ text: String, of key: String) throws -> Choice
    where Choice.RawValue == String {
        guard let value = Choice(rawValue: text) else {
            throw wrong("\(key) = '\(text.prefix(80))'", Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    private static func table(_ key: String, in root: TOMLTable) throws -> TOMLTable? {
        guard let value = root[key] else { return nil }
        guard let table = value.table else { throw wrong("[\(key)]", "a table") }
        return table
    }

    private static func positive(_ key: String, in table: TOMLTable?, zeroIsDefault: Bool = false) throws -> Int? {
        guard let value = table?[key] else { return nil }
        guard let number = value.int else { throw wrong("machine.\(key)", "a whole number") }
        if number == 0, zeroIsDefault { return nil }
        guard number > 0 else { throw wrong("machine.\(key) = \(number)", "a number above 0") }
        return number
    }

    private static func name(in table: TOMLTable?, of section: String) throws -> String? {
        guard let value = table?["name"] else { return nil }
        guard let name = value.string, !name.isEmpty else { throw wrong("\(section).name", "a name in quotes") }
        return name
    }

    private static func wrong(_ what: String, _ expected: String) -> VersError {
        VersError(.invalidArgument, "error parsing vers.toml: \(what) must be \(expected)")
    }
}

extension String {
    /// With its first letter in lower case.
    var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
