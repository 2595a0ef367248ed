public import GRDB
public import VersCore

extension Organisation: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "organisation" }
}

extension User: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "user" }
}

extension Membership: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "membership" }
}

extension APIKey: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "apiKey" }
}

extension Registration: FetchableRecord, PersistableRecord {
    public static var databaseTableName: String { "registration" }
}
