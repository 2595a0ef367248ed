public import VersAPI
public import VersCore

/// Tells whose key it is. ``KeyService`` is the implementation; tests bring their own.
public protocol KeyAuthenticating: Sendable {
    /// - Throws: ``VersError`` `.unauthenticated`, without saying which part was wrong.
    func authenticate(_ key: String) async throws -> KeyID
}

extension KeyService: KeyAuthenticating {}
