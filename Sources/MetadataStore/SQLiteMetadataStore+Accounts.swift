public import Foundation
import GRDB
public import VersAPI
public import VersCore

extension SQLiteMetadataStore: AccountStoring {
    // MARK: Organisations

    public func organisation(_ id: OrganisationID) async throws -> Organisation? {
        try await pool.read { try Organisation.fetchOne($0, key: id) }
    }

    public func organisations() async throws -> [Organisation] {
        try await pool.read { try Organisation.filter(Column("deletedAt") == nil).order(Column("name")).fetchAll($0) }
    }

    public func insert(_ organisation: Organisation, owner: UserID?) async throws {
        try await pool.write { database in
            try Self.insert(organisation, in: database)
            guard let owner else { return }
            try Membership(organisationID: organisation.id, userID: owner, role: .owner).insert(database)
        }
    }

    public func delete(_ organisation: OrganisationID, at date: Date) async throws {
        try await pool.write { database in
            let rows = try Row.fetchOne(
                database,
                sql: """
                    SELECT (SELECT count(*) FROM machine WHERE organisationID = :id AND deletedAt IS NULL) AS machines,
                      (SELECT count(*) FROM commitRecord WHERE organisationID = :id AND deletedAt IS NULL) AS commits,
                      (SELECT count(*) FROM importedImage WHERE organisationID = :id) AS images
                    """,
                arguments: ["id": organisation]
            )
            let counts = ["machines", "commits", "images"].map { rows?[$0] as Int? ?? 0 }
            guard counts.allSatisfy({ $0 == 0 }) else {
                throw VersError(
                    .inUse,
                    "organisation \(organisation) has \(counts[0]) vm(s), \(counts[1]) commit(s) and \(counts[2]) "
                        + "image(s): expected none",
                    hint: "delete them first, with a key of that organisation"
                )
            }
            try database.execute(
                sql: "UPDATE apiKey SET revokedAt = ? WHERE organisationID = ? AND revokedAt IS NULL",
                arguments: [date, organisation]
            )
            for table in ["membership", "repository", "environmentVariable"] {
                try database.execute(sql: "DELETE FROM \(table) WHERE organisationID = ?", arguments: [organisation])
            }
            try database.execute(
                sql: "UPDATE organisation SET deletedAt = ? WHERE id = ? AND deletedAt IS NULL",
                arguments: [date, organisation]
            )
        }
    }

    private static func insert(_ organisation: Organisation, in database: Database) throws {
        do {
            try organisation.insert(database)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw VersError(.alreadyExists, "organisation '\(organisation.name)' exists already", cause: error)
        }
    }

    // MARK: Users

    public func user(_ id: UserID) async throws -> User? { try await pool.read { try User.fetchOne($0, key: id) } }

    public func user(email: String) async throws -> User? {
        try await pool.read { try User.filter(Column("email") == email).fetchOne($0) }
    }

    public func memberships(of user: UserID) async throws -> [Membership] {
        try await memberships(ordered: "organisation.name", where: "userID", is: user.text)
    }

    public func members(of organisation: OrganisationID) async throws -> [Membership] {
        try await memberships(ordered: "user.email", where: "organisationID", is: organisation.text)
    }

    private func memberships(
        ordered order: String,
        where column: String,
        is value: String
    ) async throws -> [Membership] {
        try await pool.read { database in
            try Membership.fetchAll(
                database,
                sql: """
                    SELECT membership.* FROM membership
                      JOIN organisation ON organisation.id = membership.organisationID
                      JOIN user ON user.id = membership.userID
                    WHERE membership.\(column) = ? ORDER BY \(order)
                    """,
                arguments: [value]
            )
        }
    }

    public func setRole(
        _ role: Role,
        ofUserAt email: String,
        in organisation: OrganisationID
    ) async throws -> User {
        try await pool.write { database in
            let user = try User.filter(Column("email") == email).fetchOne(database) ?? User(email: email)
            try user.upsert(database)
            try Membership(organisationID: organisation, userID: user.id, role: role).upsert(database)
            return user
        }
    }

    public func endMembership(of user: UserID, in organisation: OrganisationID, at date: Date) async throws -> Bool {
        try await pool.write { database in
            try database.execute(
                sql: """
                    UPDATE apiKey SET revokedAt = ? WHERE organisationID = ? AND userID = ? AND revokedAt IS NULL
                    """,
                arguments: [date, organisation, user]
            )
            try database.execute(
                sql: "DELETE FROM membership WHERE organisationID = ? AND userID = ?",
                arguments: [organisation, user]
            )
            return database.changesCount > 0
        }
    }

    // MARK: Keys

    public func insert(_ key: APIKey) async throws { try await pool.write { try key.insert($0) } }

    public func key(_ id: KeyID) async throws -> APIKey? { try await pool.read { try APIKey.fetchOne($0, key: id) } }

    public func keys(of organisation: OrganisationID) async throws -> [APIKey] {
        try await pool.read { database in
            try APIKey.filter(Column("organisationID") == organisation)
                .filter(Column("revokedAt") == nil)
                .order(Column("createdAt"), Column.rowID)
                .fetchAll(database)
        }
    }

    public func revoke(_ id: KeyID, at date: Date) async throws {
        try await pool.write { database in
            try Self.requireAnotherAdministrator(than: id, at: date, in: database)
            try database.execute(
                sql: "UPDATE apiKey SET revokedAt = ? WHERE id = ? AND revokedAt IS NULL",
                arguments: [date, id]
            )
        }
    }

    /// Of two administrators that revoke each other's keys at once, the second is refused.
    private static func requireAnotherAdministrator(than id: KeyID, at date: Date, in database: Database) throws {
        let living = Column("isAdministrator") == true && Column("revokedAt") == nil
        guard try APIKey.filter(living && Column("id") == id).fetchCount(database) > 0 else { return }
        let others = APIKey.filter(
            living && Column("id") != id && (Column("expiresAt") == nil || Column("expiresAt") > date)
        )
        guard try others.isEmpty(database) else { return }
        throw VersError(
            .conflict,
            "key \(id) is the only one of the administrator: without it, nobody could manage this server",
            hint: "have another made first: remove owner.key in VERS_HOME, then run: vers down && vers up"
        )
    }

    public func machineCount(of key: KeyID) async throws -> Int {
        try await pool.read { try Self.machineCount(of: key, in: $0) }
    }

    static func machineCount(of key: KeyID, in database: Database) throws -> Int {
        try Int.fetchOne(
            database,
            sql: "SELECT count(*) FROM machine WHERE ownerID = ? AND deletedAt IS NULL",
            arguments: [key]
        ) ?? 0
    }

    /// In the transaction that records new VMs: of two requests at once, the one that is recorded second finds the
    /// first one's VMs.
    static func requireRoom(for machines: [Machine], in database: Database) throws {
        for owner in Set(machines.map(\.ownerID)) {
            guard let key = try APIKey.fetchOne(database, key: owner) else { continue }
            try key.limits.admit(machines: try machineCount(of: owner, in: database))
        }
    }

    // MARK: Registrations

    public func registrations(since date: Date) async throws -> [Registration] {
        try await pool.read { database in
            try Registration.filter(Column("createdAt") > date).order(Column("createdAt")).fetchAll(database)
        }
    }

    public func insert(_ registration: Registration, droppingOlderThan date: Date) async throws {
        try await pool.write { database in
            try Registration.filter(Column("createdAt") <= date).deleteAll(database)
            try registration.insert(database)
        }
    }

    public func approve(_ id: RegistrationID, at date: Date, as approval: RegistrationApproval) async throws -> Bool {
        try await pool.write { database in
            guard var registration = try Registration.fetchOne(database, key: id) else { return false }
            registration.approvedAt = registration.approvedAt ?? date
            registration.limits = approval.limits
            try registration.update(database)
            try approval.user.upsert(database)
            if let founded = approval.founded { try Self.insert(founded, in: database) }
            for membership in approval.memberships { try membership.upsert(database) }
            return true
        }
    }

    public func remove(_ id: RegistrationID) async throws -> Bool {
        try await pool.write { try Registration.deleteOne($0, key: id) }
    }

    public func insert(_ key: APIKey, consuming registration: RegistrationID) async throws -> Bool {
        try await pool.write { database in
            guard try Registration.deleteOne(database, key: registration) else { return false }
            try key.insert(database)
            return true
        }
    }
}
