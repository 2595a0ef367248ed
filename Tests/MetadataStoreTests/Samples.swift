import Foundation
import SystemPackage
import TestSupport
import VersAPI
import VersCore

/// A database file in a directory of its own, removed when the test lets go of it.
final class TemporaryDatabase {
    let path: FilePath

    init() {
        let directory = fastDirectory.appending("vers-db-\(UUID().uuidString)")
        path = directory.appending("vers.sqlite")
        // A failure shows when the database is opened.
        try? FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.removingLastComponent().string) }
}

func makeMachine(
    createdAt seconds: Double = 1_700_000_000,
    parentCommitID: CommitID? = nil,
    parentMachineID: MachineID? = nil
) -> Machine {
    Machine(
        id: MachineID(),
        ownerID: KeyID(),
        organisationID: .owner,
        createdAt: Date(timeIntervalSince1970: seconds),
        state: .running,
        labels: nil,
        hardware: Hardware(memoryMiB: 512, vcpuCount: 1, imageName: "default", imageBuild: "b1"),
        diskMiB: 1024,
        parentCommitID: parentCommitID,
        parentMachineID: parentMachineID,
        credentials: MachineCredentials(userKey: "user", authorizedKey: "authorized", hostKey: "host")
    )
}

func makeCommit(kind: CommitKind = .named, createdAt seconds: Double = 1_700_000_000) -> Commit {
    Commit(
        id: CommitID(),
        ownerID: KeyID(),
        organisationID: .owner,
        kind: kind,
        createdAt: Date(timeIntervalSince1970: seconds),
        name: "test",
        parentMachineID: nil,
        parentCommitID: nil,
        hardware: Hardware(memoryMiB: 512, vcpuCount: 1, imageName: "default", imageBuild: "b1"),
        diskMiB: 1024,
        memoryLayers: [],
        deviceStateLayer: nil,
        diskLayers: [],
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
