import VersAPI
public import VersCore

/// Tells whom a key acts for. ``KeyService`` is the implementation; tests bring their own.
public protocol KeyAuthenticating: Sendable {
    /// - Throws: ``VersError`` `.unauthenticated`, without saying which part was wrong.
    func authenticate(_ key: String) async throws -> Principal
}

extension KeyService: KeyAuthenticating {}
