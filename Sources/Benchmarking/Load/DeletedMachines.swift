import Foundation
import MetadataStore
import SystemPackage
import VersAPI
import VersCore

/// VMs that were deleted long ago, written into the instance's database beside its daemon: a history that would take days
/// to make.
enum DeletedMachines {
    private static let batch = 1000

    static func insert(_ count: Int, into home: FilePath) async throws {
        let store = try SQLiteMetadataStore(path: home.appending("vers.sqlite"))
        for start in stride(from: 0, to: count, by: batch) {
            try await store.insert((start..<min(start + batch, count)).map(machine))
        }
        try store.close()
    }

    private static func machine(_ number: Int) -> Machine {
        let created = Date(timeIntervalSince1970: 1_700_000_000 + Double(number))
        return Machine(
            id: MachineID(),
            ownerID: KeyID(),
            organisationID: .owner,
            createdAt: created,
            deletedAt: created.addingTimeInterval(3600),
            state: .stopped,
            labels: ["number": "\(number)"],
            hardware: Hardware(memoryMiB: 512, vcpuCount: 1, imageName: "default", imageBuild: "b"),
            diskMiB: 1024,
            parentCommitID: nil,
            parentMachineID: nil,
            // As long as real keys.
            credentials: MachineCredentials(
                userKey: String(repeating: "k", count: 400),
                authorizedKey: String(repeating: "a", count: 100),
                hostKey: String(repeating: "h", count: 400)
            )
        )
    }
}
