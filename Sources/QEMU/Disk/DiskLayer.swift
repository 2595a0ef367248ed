internal import QMP
internal import SystemPackage

/// One qcow2 file in QEMU's block graph. Its nodes are named after the file, so that a daemon that adopts the machine
/// finds them.
struct DiskLayer: Sendable, Hashable {
    /// In the machine's directory.
    var file: FilePath

    init(file: FilePath) { self.file = file }

    /// `disk-3` for `disk-3.qcow2`.
    var nodeName: String { file.stem ?? "disk" }

    static func fileName(ofNode name: String) -> String { name + DiskFile.suffix }

    var fileNodeName: String { "file-\(nodeName)" }

    /// Relative to the machine's directory, which is QEMU's working directory.
    var fileName: String { file.lastComponent?.string ?? file.string }

    /// For `-blockdev`, in JSON: nothing in a name needs escaping, as ``DiskFile`` makes them. The guest's flushes reach
    /// the host's disk; its discards make holes.
    var openOptions: String {
        """
        {"driver":"qcow2","node-name":"\(nodeName)","discard":"unmap",\
        "file":{"driver":"file","node-name":"\(fileNodeName)","filename":"\(fileName)","discard":"unmap"}}
        """
    }
}

extension BlockdevAdd {
    init(_ layer: DiskLayer, opensBackingFile: Bool) {
        self.init(
            nodeName: layer.nodeName,
            file: File(filename: layer.fileName, nodeName: layer.fileNodeName),
            opensBackingFile: opensBackingFile
        )
    }
}

/// Names of disk files: `disk-<n>.qcow2`.
enum DiskFile {
    static let suffix = ".qcow2"
    private static let prefix = "disk-"

    static func name(_ number: Int) -> String { "\(prefix)\(number)\(suffix)" }

    static func number(ofName name: String) -> Int? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        return Int(name.dropFirst(prefix.count).dropLast(suffix.count))
    }

    /// The first name after all that are taken.
    static func next(after names: [String]) -> String {
        name((names.compactMap(number(ofName:)).max() ?? 0) + 1)
    }
}
