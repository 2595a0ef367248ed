import Glibc

/// The key that the guest's sshd shows.
enum SSHHostKey {
    private static let directory = "/etc/ssh"
    private static let path = "/etc/ssh/ssh_host_ed25519_key"
    private static let maximumFieldInBytes: UInt32 = 64 * 1024

    /// Writes the private and the public half where sshd looks, and has a running sshd read them. Does nothing in
    /// an image without sshd.
    static func install(_ pem: String) throws(SystemError) {
        guard !pem.isEmpty, SmallFile.exists(directory) else { return }
        if SmallFile.readText(path) == pem { return }
        guard let publicKey = publicKey(inPEM: pem) else { throw SystemError("read the SSH host key", EINVAL) }
        try SmallFile.replace(path, with: pem, mode: 0o600)
        try SmallFile.replace("\(path).pub", with: "\(publicKey)\n", mode: 0o644)
        reloadDaemon()
    }

    /// sshd reads its keys when it starts; on SIGHUP it starts over and keeps its sessions.
    private static func reloadDaemon() {
        guard let pid = SmallFile.readLine("/run/sshd.pid").flatMap({ Int32($0) }), pid > 1,
            SmallFile.readLine("/proc/\(pid)/comm") == "sshd"
        else { return }
        kill(pid, SIGHUP)
    }

    /// The public half of a private key, as a line of `authorized_keys`.
    ///
    /// OpenSSH's PROTOCOL.key: the magic "openssh-key-v1\0", then as length-prefixed strings the cipher, the KDF
    /// and its options, a `u32` count of keys, and the first public key, which begins with its type.
    static func publicKey(inPEM pem: String) -> String? {
        guard let (blob, _) = parts(ofPEM: pem) else { return nil }
        var inner = blob
        guard let type = takeString(&inner), !type.isEmpty, type.allSatisfy({ (33...126).contains($0) }) else {
            return nil
        }
        return "\(String(decoding: type, as: UTF8.self)) \(Base64.encode(Array(blob)))"
    }

    /// An ed25519 key as dropbear keeps it: two strings, the type, and the seed with the public key behind it.
    static func dropbearKey(inPEM pem: String) -> [UInt8]? {
        guard var (_, section) = parts(ofPEM: pem), let check = takeInteger(&section),
            takeInteger(&section) == check, let type = takeString(&section), type.elementsEqual("ssh-ed25519".utf8),
            takeString(&section) != nil, let pair = takeString(&section), pair.count == 64
        else { return nil }
        return [0, 0, 0, UInt8(type.count)] + type + [0, 0, 0, UInt8(pair.count)] + pair
    }

    /// The first public key, and the section of the private ones, which is only readable without a cipher.
    private static func parts(ofPEM pem: String) -> (publicKey: ArraySlice<UInt8>, section: ArraySlice<UInt8>)? {
        let body = pem.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.joined()
        guard let bytes = Base64.decode(body), bytes.starts(with: Array("openssh-key-v1\0".utf8)) else { return nil }
        var rest = bytes.dropFirst(15)
        for _ in 0..<3 { guard takeString(&rest) != nil else { return nil } }
        guard let count = takeInteger(&rest), count >= 1, let blob = takeString(&rest) else { return nil }
        return (blob, takeString(&rest) ?? [])
    }

    private static func takeInteger(_ bytes: inout ArraySlice<UInt8>) -> UInt32? {
        guard bytes.count >= 4 else { return nil }
        defer { bytes = bytes.dropFirst(4) }
        return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func takeString(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let length = takeInteger(&bytes), length <= maximumFieldInBytes, length <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(Int(length)) }
        return bytes.prefix(Int(length))
    }
}
