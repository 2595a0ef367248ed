import Foundation
import VersAPI

/// The public key that a client signs up with, as a line of `id_ed25519.pub`.
enum SSHPublicKey {
    static let lengthLimit = 16 * 1024
    private static let types: Set<String> = [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]

    /// The type and the key, without the comment: two lines of one key are equal.
    /// - Throws: `.invalidArgument`.
    static func normalised(_ line: String) throws -> String {
        let words = line.split(whereSeparator: \.isWhitespace).prefix(2).map(String.init)
        guard line.utf8.count <= lengthLimit, words.count == 2, types.contains(words[0]),
            let blob = Data(base64Encoded: words[1]), blob.dropFirst(4).starts(with: words[0].utf8)
        else {
            throw VersError(
                .invalidArgument,
                "invalid ssh_public_key '\(line.prefix(40).filter { !$0.isNewline })': "
                    + "expected a line like 'ssh-ed25519 AAAA… comment'",
                hint: "it is in ~/.ssh/id_ed25519.pub; make one with: ssh-keygen -t ed25519"
            )
        }
        return words.joined(separator: " ")
    }
}
