public import Foundation

/// `GET` and `PATCH /vm/{id}/exposure`: who may connect to a VM's ports.
public struct Exposure: Codable, Sendable, Equatable {
    /// Whether the ports, but for SSH, need a link or a key. Otherwise everybody may.
    public var is_private: Bool

    public init(is_private: Bool) { self.is_private = is_private }
}

/// `POST /vm/{id}/link`.
public struct LinkRequest: Codable, Sendable, Equatable {
    public static let defaultSeconds = 3600
    public static let secondsRange = 1...31_536_000

    /// Of the guest. Nil: where the name of the VM leads by itself.
    public var port: UInt16?
    public var expires_in_seconds: Int?

    public init(port: UInt16? = nil, expires_in_seconds: Int? = nil) {
        self.port = port
        self.expires_in_seconds = expires_in_seconds
    }
}

/// An address with a permission in it. Whoever has it may use it until it expires.
public struct LinkResponse: Codable, Sendable, Equatable {
    public var url: String
    public var expires_at: Date

    public init(url: String, expires_at: Date) {
        self.url = url
        self.expires_at = expires_at
    }
}
