import CCrypto

/// HMAC with SHA-256.
public enum MessageAuthentication {
    public static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: SHA256.digestLength)
        var length = UInt32(code.count)
        guard HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length) != nil else {
            preconditionFailure("libcrypto offers no SHA-256")
        }
        return code
    }

    /// Whether `code` is the one of `message`. Takes as long whatever is wrong with it.
    public static func isValid(_ code: [UInt8], of message: [UInt8], key: [UInt8]) -> Bool {
        let expected = Self.code(of: message, key: key)
        guard code.count == expected.count else { return false }
        return zip(code, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
