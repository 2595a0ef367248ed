import GRDB

/// What lists of an organisation are read from: only what lives. The rows of what was deleted stay as history, and
/// outnumber the others soon.
extension Schema {
    static func registerListIndexes(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("lists of what lives") { database in
            try database.drop(index: "machineByOrganisation")
            try database.create(
                index: "machineLiveByOrganisation",
                on: "machine",
                columns: ["organisationID", "createdAt"],
                condition: Column("deletedAt") == nil
            )
            try database.drop(index: "commitRecordByOrganisation")
            try database.create(
                index: "commitRecordLiveByOrganisation",
                on: "commitRecord",
                columns: ["organisationID", "kind", "createdAt"],
                condition: Column("deletedAt") == nil
            )
            try database.create(
                index: "commitRecordPublic",
                on: "commitRecord",
                columns: ["kind", "createdAt"],
                condition: Column("deletedAt") == nil && Column("isPublic") == true
            )
        }
    }
}
