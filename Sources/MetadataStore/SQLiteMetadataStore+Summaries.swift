import Foundation
import GRDB
public import VersAPI
import VersCore

extension SQLiteMetadataStore {
    public func summaries(of organisation: OrganisationID) async throws -> [MachineSummary] {
        try await pool.read { database in
            try Row.fetchAll(database, sql: Self.summarySQL, arguments: [organisation]).map(Self.summary)
        }
    }

    /// Without the keys, the layers and the process, each of which is JSON that would have to be decoded.
    static let summarySQL = """
        SELECT id, ownerID, state, createdAt, labels, parentMachineID, parentCommitID,
               json_extract(hardware, '$.memoryMiB') AS memoryMiB,
               json_extract(hardware, '$.vcpuCount') AS vcpuCount, diskMiB, stateReason
        FROM machine WHERE deletedAt IS NULL AND organisationID = ? ORDER BY createdAt, rowid
        """

    private static func summary(_ row: Row) throws -> MachineSummary {
        let state: String = row["state"]
        guard let id = MachineID(row["id"]), let owner = KeyID(row["ownerID"]),
            let state = MachineState(rawValue: state)
        else { throw VersError(.internal, "row of vm '\(row["id"] as String)' in the database is damaged") }
        let labels: String? = row["labels"]
        return MachineSummary(
            vm_id: id,
            owner_id: owner,
            state: state,
            created_at: row["createdAt"],
            labels: try labels.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) },
            parent_vm_id: row["parentMachineID"],
            parent_commit_id: row["parentCommitID"],
            mem_size_mib: row["memoryMiB"],
            vcpu_count: row["vcpuCount"],
            fs_size_mib: row["diskMiB"],
            state_reason: row["stateReason"]
        )
    }
}
