public import VersAPI

/// API keys: 36 characters of UUID followed by 64 hexadecimal ones. Only a hash is stored.
public final class KeyService: Sendable {
    /// The owner of a valid key.
    /// - Throws: `.unauthenticated`, without saying which part was wrong.
    public func authenticate(_ key: String) async throws -> KeyID { fatalError() }
}
