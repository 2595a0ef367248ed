import Foundation
import GRDB
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import MetadataStore

/// Databases of earlier versions.
struct MigrationTests {
    /// A database as the first version made it, with a row of everything that it had.
    private func writeFirstVersion(to file: TemporaryDatabase) throws {
        let pool = try DatabasePool(path: file.path.string)
        try Schema.migrator.migrate(pool, upTo: "machines, commits and keys")
        try pool.write { database in
            let now = Date(timeIntervalSince1970: 1_700_000_000)
            try database.execute(
                sql: "INSERT INTO apiKey (id, secretHash, label, createdAt) VALUES (?, ?, 'owner', ?)",
                arguments: [Self.key.text, Data([1, 2]), now]
            )
            let hardware = #"{"memoryMiB":128,"vcpuCount":1,"imageName":"default","imageBuild":"b1"}"#
            let compatibility = """
                {"hypervisor":"qemu","version":"7","machineType":"q35","accelerator":"tcg","cpuModel":"max",
                 "deviceSet":"1"}
                """
            for (id, kind) in [(Self.commit, "named"), (Self.boot, "boot")] {
                try database.execute(
                    sql: """
                        INSERT INTO commitRecord (id, ownerID, kind, createdAt, name, isPublic, hardware, diskMiB,
                          memoryLayers, diskLayers, compatibility, isDurable)
                        VALUES (?, ?, ?, ?, 'c', 0, ?, 64, '[]', '[]', ?, 1)
                        """,
                    arguments: [id.text, Self.key.text, kind, now, hardware, compatibility]
                )
            }
            try database.execute(
                sql: """
                    INSERT INTO machine (id, ownerID, createdAt, state, hardware, diskMiB, diskLayers,
                      startMemoryLayers, markedMemoryLayers, credentials)
                    VALUES (?, ?, ?, 'stopped', ?, 64, '[]', '[]', '[]', ?)
                    """,
                arguments: [
                    Self.machine.text, Self.key.text, now, hardware,
                    #"{"userKey":"u","authorizedKey":"a","hostKey":"h"}"#,
                ]
            )
        }
        try pool.close()
    }

    private static let (key, machine, commit, boot) = (KeyID(), MachineID(), CommitID(), CommitID())

    @Test func `what the first version recorded is the owner's`() async throws {
        let file = TemporaryDatabase()
        try writeFirstVersion(to: file)
        let store = try SQLiteMetadataStore(path: file.path)
        #expect(try await store.machine(Self.machine)?.organisationID == .owner)
        #expect(try await store.commit(Self.commit)?.organisationID == .owner)
        #expect(try await store.commit(Self.boot)?.organisationID == .nobody)
        let key = try #require(try await store.key(Self.key))
        #expect(key.organisationID == .owner && key.userID == .owner && key.isAdministrator)
        #expect(key.limits == KeyLimits() && key.expiresAt == nil && key.revokedAt == nil)
        #expect(try await store.organisations().map(\.id) == [.owner])
        #expect(try await store.members(of: .owner).map(\.role) == [.owner])
        try store.close()
    }
}
