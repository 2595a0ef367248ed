public import Foundation
public import VersAPI

/// Somebody's wish to get an API key from a shell. The administrator's approval stands where other servers send an
/// e-mail; it is good for one API key.
public struct Registration: Sendable, Equatable, Codable, Identifiable {
    /// From the start to the end of everything: approval and use.
    public static let lifetime: TimeInterval = 24 * 3600

    public let id: RegistrationID
    public let email: String
    /// Of the user that the approval makes, unless there is one of that address.
    public let userID: UserID
    /// In OpenSSH's format, without a comment.
    public let sshPublicKey: String
    /// Of what only the one who started it was told. Nil when the client does not know that it could say it again.
    public let nonceHash: Data?
    public let createdAt: Date
    public var approvedAt: Date?
    /// Of the key that is made of the approval.
    public var maximumMemoryMiB: Int?
    public var maximumVCPUCount: Int?
    public var maximumMachines: Int?

    public init(
        id: RegistrationID = RegistrationID(),
        email: String,
        userID: UserID,
        sshPublicKey: String,
        nonceHash: Data?,
        createdAt: Date = Date(),
        approvedAt: Date? = nil
    ) {
        self.id = id
        self.email = email
        self.userID = userID
        self.sshPublicKey = sshPublicKey
        self.nonceHash = nonceHash
        self.createdAt = createdAt
        self.approvedAt = approvedAt
    }

    public var limits: KeyLimits {
        get { KeyLimits(memoryMiB: maximumMemoryMiB, vcpuCount: maximumVCPUCount, machines: maximumMachines) }
        set {
            maximumMemoryMiB = newValue.memoryMiB
            maximumVCPUCount = newValue.vcpuCount
            maximumMachines = newValue.machines
        }
    }

    public var expiresAt: Date { createdAt.addingTimeInterval(Self.lifetime) }
}

/// Who may register at a server.
public enum RegistrationPolicy: String, Sendable, CaseIterable {
    /// Only users whom the administrator has added to an organisation can sign in.
    case closed
    /// Everybody can ask, and the administrator decides.
    case open
}
