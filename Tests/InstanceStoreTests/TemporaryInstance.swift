import Foundation
import SystemPackage
import TestSupport
import VersAPI
import VersCore

/// An empty instance in a temporary directory, removed when the test lets go of it.
final class TemporaryInstance {
    let layout: InstanceLayout

    init() throws {
        let home = fastDirectory.appending("vers-store-\(UUID().uuidString)")
        layout = InstanceLayout(home: home)
        for directory in [layout.commits, layout.machines, layout.standbys, layout.images] {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: layout.home.string) }

    func file(_ name: String) -> FilePath { layout.home.appending(name) }

    func exists(_ path: FilePath) -> Bool { FileManager.default.fileExists(atPath: path.string) }
}

/// Writes a sparse file: pieces at their offsets, and the size.
func writeSparse(_ pieces: [(offset: Int64, bytes: [UInt8])], size: Int64, to path: FilePath) throws {
    let file = try FileDescriptor.open(
        path,
        .writeOnly,
        options: [.create, .truncate],
        permissions: [.ownerReadWrite]
    )
    try file.closeAfter {
        try file.resize(to: size)
        for piece in pieces { try file.writeAll(toAbsoluteOffset: piece.offset, piece.bytes) }
    }
}

func makeCommit(
    _ id: CommitID = CommitID(),
    memoryLayers: [CommitID] = [],
    diskLayers: [CommitID] = []
) -> Commit {
    Commit(
        id: id,
        ownerID: KeyID(),
        organisationID: .owner,
        kind: .named,
        createdAt: Date(timeIntervalSince1970: 1_700_000_000),
        name: "test",
        parentMachineID: MachineID(),
        parentCommitID: nil,
        hardware: Hardware(memoryMiB: 512, vcpuCount: 1, imageName: "tiny", imageBuild: "b1"),
        diskMiB: 64,
        memoryLayers: memoryLayers,
        deviceStateLayer: memoryLayers.last,
        diskLayers: diskLayers,
        compatibility: HypervisorCompatibility(
            hypervisor: "qemu",
            version: "7.2.0",
            machineType: "q35",
            accelerator: "tcg",
            cpuModel: "max",
            deviceSet: "1"
        )
    )
}
