import Foundation
import KeyMaterial
import Testing
import VersCore

struct HostPublicKeyTests {
    private static let pem = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
        QyNTUxOQAAACCMmclMo9x22I4agjr+NInPR0cx0XB4gn9eQiH7MxU0/wAAAIg8+bBAPPmw
        QAAAAAtzc2gtZWQyNTUxOQAAACCMmclMo9x22I4agjr+NInPR0cx0XB4gn9eQiH7MxU0/w
        AAAEDlxgpA2HYLFjaRVJ0kBWOnBuaHX57e3by6DGmZaOozrIyZyUyj3HbYjhqCOv40ic9H
        RzHRcHiCf15CIfszFTT/AAAAAAECAwQF
        -----END OPENSSH PRIVATE KEY-----

        """

    private static func publicKey(of pem: String) -> String? {
        MachineCredentials(userKey: "", authorizedKey: "", hostKey: pem).hostPublicKey
    }

    private static func wrapped(_ bytes: [UInt8]) -> String {
        "-----BEGIN OPENSSH PRIVATE KEY-----\n\(Data(bytes).base64EncodedString())\n-----END OPENSSH PRIVATE KEY-----\n"
    }

    @Test func `it is the public half of the private key`() {
        let expected = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyZyUyj3HbYjhqCOv40ic9HRzHRcHiCf15CIfszFTT/"
        #expect(Self.publicKey(of: Self.pem) == expected)
        #expect(Self.publicKey(of: Self.pem.replacing("\n", with: "\r\n")) == expected)
    }

    @Test func `ssh-keygen sees the same in a key that was made for a VM`() throws {
        let credentials = try SystemKeyMaterial().machineCredentials(comment: "test")
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("host-key-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: path) }
        #expect(
            FileManager.default.createFile(
                atPath: path.path,
                contents: Data(credentials.hostKey.utf8),
                attributes: [.posixPermissions: 0o600]
            )
        )
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/ssh-keygen")
        process.arguments = ["-y", "-f", path.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let words = text.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
        #expect(process.terminationStatus == 0 && credentials.hostPublicKey == words)
    }

    @Test func `a key that ends early or says something else is none`() throws {
        let body = Self.pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        let bytes = Array(try #require(Data(base64Encoded: body)))
        // The magic, cipher, KDF, options, the count, and the first public key.
        let needed = 15 + 8 + 8 + 4 + 4 + 4 + 51
        #expect(Self.publicKey(of: Self.wrapped(Array(bytes.prefix(needed)))) != nil)
        for length in 0..<needed { #expect(Self.publicKey(of: Self.wrapped(Array(bytes.prefix(length)))) == nil) }
        var many = bytes
        many.replaceSubrange(39..<43, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(Self.publicKey(of: Self.wrapped(many)) == nil)
        for text in ["", "not base64 at all", "-----BEGIN X-----\nAAAA\n-----END X-----"] {
            #expect(Self.publicKey(of: text) == nil)
        }
    }
}
