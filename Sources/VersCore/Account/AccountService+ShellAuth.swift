import Foundation
import Logging
public import VersAPI

/// Signing up and in from a shell. No key stands behind these calls: everybody may make them.
extension AccountService {
    /// Registrations that wait at once, of everybody and of one address: a flood must not fill the database.
    static let maximumRegistrations = 100
    static let maximumRegistrationsOfAddress = 5

    /// Notes that somebody wants a key, for the administrator to approve.
    /// - Throws: `.forbidden` for an unknown address while registration is closed.
    public func startRegistration(_ request: ShellAuthRequest) async throws -> ShellAuthResponse {
        let email = try EmailAddress.normalised(request.email)
        let key = try SSHPublicKey.normalised(request.ssh_public_key)
        let user = try await domain.accounts.user(email: email)
        if user == nil { try await requireOpenRegistration(of: email) }
        let isBound = request.bind_nonce ?? false
        let waiting = try await registrations()
        if !isBound, let known = waiting.first(where: { $0.email == email && $0.fits(key, nonceHash: nil) }) {
            return Self.answer(known, nonce: "", isNew: user == nil, key: request.ssh_public_key)
        }
        let ofAddress = waiting.count { $0.email == email }
        guard waiting.count < Self.maximumRegistrations, ofAddress < Self.maximumRegistrationsOfAddress else {
            throw VersError(
                .unavailable,
                "too many registrations wait for the administrator: expected at most "
                    + "\(Self.maximumRegistrationsOfAddress) of one address, \(Self.maximumRegistrations) in all",
                hint: "ask the administrator to look at them: vers registration list"
            )
        }
        let nonce = KeyService.hexadecimal(try domain.keys.randomBytes(32))
        let registration = Registration(
            email: email,
            userID: user?.id ?? UserID(),
            sshPublicKey: key,
            nonceHash: isBound ? hash(nonce) : nil
        )
        try await domain.accounts.insert(registration, droppingOlderThan: Self.oldest)
        domain.logger.notice(
            "registration waits for approval",
            metadata: ["registration.id": "\(registration.id)", "user.email": "\(email)"]
        )
        return Self.answer(registration, nonce: nonce, isNew: user == nil, key: request.ssh_public_key)
    }

    /// What the user may sign in to.
    /// - Throws: `.unauthenticated` while the registration waits for approval, or when there is none.
    public func verifyRegistration(_ request: VerifyKeyRequest) async throws -> VerifyKeyResponse {
        let (registration, user) = try await approved(request.email, request.ssh_public_key, nonce: request.nonce)
        var organisations: [VerifyKeyResponse.Organisation] = []
        for (organisation, role) in try await self.organisations(of: user) {
            organisations.append(.init(org_id: organisation.id, name: organisation.name, role: role))
        }
        return VerifyKeyResponse(user_id: user.id, key_id: registration.id, orgs: organisations)
    }

    /// Makes a key, which uses the approval up.
    /// - Throws: `.unauthenticated` without an approval, `.notFound` for an organisation that the user is not in,
    ///   `.invalidArgument` when it is in several and names none.
    public func createKey(_ request: ShellAuthKeyRequest) async throws -> ShellAuthKeyResponse {
        guard request.label.count >= 5 else {
            throw VersError(
                .invalidArgument,
                "invalid label '\(request.label.filter { !$0.isNewline })': expected at least 5 characters"
            )
        }
        try Self.validate(label: request.label)
        let (registration, user) = try await approved(request.email, request.ssh_public_key, nonce: request.nonce)
        let organisation = try await organisation(named: request.org_name, of: user)
        try await requireRoom(for: organisation)
        let (text, key) = try keys.make(
            label: request.label,
            organisation: organisation.id,
            user: user.id,
            expiresAt: nil,
            limits: registration.limits
        )
        guard try await domain.accounts.insert(key, consuming: registration.id) else { throw Self.notApproved() }
        return ShellAuthKeyResponse(
            api_key: text,
            api_key_id: key.id,
            org_id: organisation.id,
            org_name: organisation.name
        )
    }

    // MARK: Shared

    static var oldest: Date { Date().addingTimeInterval(-Registration.lifetime) }

    func registrations() async throws -> [Registration] {
        try await domain.accounts.registrations(since: Self.oldest)
    }

    /// An address `name+agent@host` belongs to whoever has `name@host`, and shares its organisations.
    static func baseAddress(of email: String) -> String? {
        let parts = email.split(separator: "@")
        guard parts.count == 2, let plus = parts[0].firstIndex(of: "+"), plus > parts[0].startIndex else { return nil }
        return "\(parts[0][..<plus])@\(parts[1])"
    }

    private func requireOpenRegistration(of email: String) async throws {
        if let base = Self.baseAddress(of: email) {
            guard try await domain.accounts.user(email: base) == nil else { return }
            throw VersError(.forbidden, "'\(email)' cannot sign up: nobody has the address '\(base)'")
        }
        guard registration == .open else {
            throw VersError(
                .forbidden,
                "registration is closed at this server, and nobody has the address '\(email)'",
                hint: "ask the administrator to add you: vers org add ORGANISATION \(email)"
            )
        }
    }

    private func approved(
        _ email: String,
        _ key: String,
        nonce: String?
    ) async throws -> (registration: Registration, user: User) {
        let (email, key) = (try EmailAddress.normalised(email), try SSHPublicKey.normalised(key))
        let nonceHash = nonce.flatMap { $0.isEmpty ? nil : hash($0) }
        let own = try await registrations().filter { $0.email == email && $0.fits(key, nonceHash: nonceHash) }
        guard let registration = own.first(where: { $0.approvedAt != nil }),
            let user = try await domain.accounts.user(email: email)
        else { throw Self.notApproved() }
        return (registration, user)
    }

    private static func notApproved() -> VersError {
        VersError(
            .unauthenticated,
            "the registration is not approved",
            hint: "ask the administrator: vers registration approve"
        )
    }

    private func organisations(of user: User) async throws -> [(Organisation, Role)] {
        var result: [(Organisation, Role)] = []
        for membership in try await domain.accounts.memberships(of: user.id) {
            guard let organisation = try await domain.accounts.organisation(membership.organisationID) else { continue }
            result.append((organisation, membership.role))
        }
        return result
    }

    private func organisation(named name: String?, of user: User) async throws -> Organisation {
        let all = try await organisations(of: user).map(\.0)
        if let name {
            if let organisation = all.first(where: { $0.name == name }) { return organisation }
            throw VersError(.notFound, "organisation not found: '\(name.prefix(80).filter { !$0.isNewline })'")
        }
        guard let first = all.first else {
            throw VersError(.notFound, "organisation not found: '\(user.email)' is in none")
        }
        guard all.count == 1 else {
            throw VersError(
                .invalidArgument,
                "the user is in several organisations: expected org_name, one of "
                    + all.map(\.name).joined(separator: ", ")
            )
        }
        return first
    }

    private func hash(_ nonce: String) -> Data { Data(domain.keys.sha256(Array(nonce.utf8))) }

    private static func answer(
        _ registration: Registration,
        nonce: String,
        isNew: Bool,
        key: String
    ) -> ShellAuthResponse {
        ShellAuthResponse(
            user_id: registration.userID,
            email: registration.email,
            is_new_user: isNew,
            nonce: nonce,
            ssh_public_key: key,
            already_verified: registration.approvedAt != nil,
            registration_id: registration.id
        )
    }
}

extension Registration {
    /// Whether a call with that key and nonce speaks of this registration.
    fileprivate func fits(_ key: String, nonceHash other: Data?) -> Bool {
        guard sshPublicKey == key else { return false }
        guard let nonceHash else { return true }
        return other.map { KeyService.equalInConstantTime(Array(nonceHash), Array($0)) } ?? false
    }
}
