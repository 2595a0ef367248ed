import CCrypto
import VersAPI
public import VersCore

/// Keys, hashes and random numbers from the system's libcrypto.
public struct SystemKeyMaterial: KeyMaterialProviding {
    public init() {}

    public func randomBytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else {
            throw VersError(.internal, "the system gave no random numbers")
        }
        return bytes
    }

    public func sha256(_ bytes: [UInt8]) -> [UInt8] { SHA256.digest(of: bytes) }

    public func seal(_ bytes: [UInt8], key: [UInt8]) throws -> [UInt8] {
        try SealedBox.seal(bytes, key: key, nonce: try SealedBox.nonce(randomBytes))
    }

    public func open(_ box: [UInt8], key: [UInt8]) throws -> [UInt8]? { try SealedBox.open(box, key: key) }

    public func machineCredentials(comment: String) throws -> MachineCredentials {
        let user = try Ed25519KeyPair(seed: try randomBytes(32))
        let host = try Ed25519KeyPair(seed: try randomBytes(32))
        return MachineCredentials(
            userKey: user.privatePEM(comment: comment),
            authorizedKey: user.publicLine(comment: comment),
            hostKey: host.privatePEM(comment: comment)
        )
    }
}
