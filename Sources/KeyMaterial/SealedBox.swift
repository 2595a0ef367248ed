import CCrypto
import VersAPI

/// AES-256-GCM from libcrypto.
///
/// ```
/// 12 bytes nonce | ciphertext, as long as the text | 16 bytes tag
/// ```
enum SealedBox {
    static let keyLength = 32
    private static let nonceLength = 12
    private static let tagLength = 16

    /// - Precondition: `key` has 32 bytes, and `nonce`, which is never used twice with one key, 12.
    static func seal(_ text: [UInt8], key: [UInt8], nonce: [UInt8]) throws -> [UInt8] {
        precondition(key.count == keyLength && nonce.count == nonceLength)
        let context = try Self.context()
        defer { EVP_CIPHER_CTX_free(context) }
        var sealed = [UInt8](repeating: 0, count: text.count)
        var tag = [UInt8](repeating: 0, count: tagLength)
        var (length, rest): (Int32, Int32) = (0, 0)
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_EncryptUpdate(context, &sealed, &length, text, Int32(text.count)) == 1,
            EVP_EncryptFinal_ex(context, nil, &rest) == 1, Int(length) == text.count,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag) == 1
        else { throw VersError(.internal, "libcrypto sealed nothing") }
        return nonce + sealed + tag
    }

    /// Nil when it was sealed with another key, or changed since.
    static func open(_ box: [UInt8], key: [UInt8]) throws -> [UInt8]? {
        precondition(key.count == keyLength)
        guard box.count >= nonceLength + tagLength else { return nil }
        let context = try Self.context()
        defer { EVP_CIPHER_CTX_free(context) }
        let nonce = Array(box.prefix(nonceLength))
        let sealed = Array(box[nonceLength..<(box.count - tagLength)])
        var tag = Array(box.suffix(tagLength))
        var text = [UInt8](repeating: 0, count: sealed.count)
        var (length, rest): (Int32, Int32) = (0, 0)
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_DecryptUpdate(context, &text, &length, sealed, Int32(sealed.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1
        else { throw VersError(.internal, "libcrypto opened nothing") }
        return EVP_DecryptFinal_ex(context, nil, &rest) == 1 ? text : nil
    }

    private static func context() throws -> OpaquePointer {
        guard let context = EVP_CIPHER_CTX_new() else { throw VersError(.internal, "libcrypto has no memory") }
        return context
    }

    static func nonce(_ random: (Int) throws -> [UInt8]) rethrows -> [UInt8] { try random(nonceLength) }
}
