import GuestProtocol

/// Whom an image's command runs as, looked up in the image's own files.
struct WorkloadUser: Equatable {
    var uid: UInt32
    var gid: UInt32
    /// With ``gid``.
    var groups: [UInt32]
    var home: String

    private struct Account {
        var name: String
        var uid: UInt32
        var gid: UInt32
        var home: String
    }

    /// - Parameters:
    ///   - text: `USER[:GROUP]`, each a name or a number; empty means root.
    ///   - passwd: the content of `/etc/passwd`; `group` likewise.
    /// - Throws: a failure that names what was not found.
    init(_ text: String, passwd: String, group: String) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts[0].isEmpty ? "0" : parts[0]
        let accounts = Self.accounts(in: passwd)
        // A name of digits is a name first, as useradd may have made it.
        if let account = accounts.first(where: { $0.name == name }) ?? accounts.first(where: { "\($0.uid)" == name }) {
            (uid, gid, home) = (account.uid, account.gid, account.home)
            groups = Self.groups(of: account.name, in: group)
        } else if let number = UInt32(name), number != .max {
            (uid, gid, home, groups) = (number, 0, number == 0 ? "/root" : "/", [])
        } else {
            throw Failure(.invalidArgument, "the image's user '\(name)' is not in its /etc/passwd")
        }
        if parts.count == 2, !parts[1].isEmpty {
            gid = try Self.group(parts[1], in: group)
            groups = []
        }
        if !groups.contains(gid) { groups.insert(gid, at: 0) }
        if home.isEmpty { home = "/" }
    }

    private static func fields(in text: String) -> [[String]] {
        text.split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }

    private static func accounts(in passwd: String) -> [Account] {
        fields(in: passwd).compactMap { fields in
            guard fields.count >= 6, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
            return Account(name: fields[0], uid: uid, gid: gid, home: fields[5])
        }
    }

    private static func groups(of user: String, in group: String) -> [UInt32] {
        fields(in: group).compactMap { fields in
            guard fields.count >= 4, fields[3].split(separator: ",").contains(user[...]) else { return nil }
            return UInt32(fields[2])
        }
    }

    private static func group(_ name: String, in group: String) throws(Failure) -> UInt32 {
        for fields in fields(in: group) where fields.count >= 3 && fields[0] == name {
            if let gid = UInt32(fields[2]) { return gid }
        }
        guard let number = UInt32(name), number != .max else {
            throw Failure(.invalidArgument, "the image's group '\(name)' is not in its /etc/group")
        }
        return number
    }
}
