import Foundation
import Testing
import VersCore

@testable import KeyMaterial

struct SystemKeyMaterialTests {
    private let keys = SystemKeyMaterial()

    @Test func `ssh-keygen reads the private key and finds our public line in it`() throws {
        let credentials = try keys.machineCredentials(comment: "vers test")
        #expect(try publicLine(ofPrivateKey: credentials.userKey) == credentials.authorizedKey)
    }

    @Test func `ssh-keygen reads the host key, which is another one`() throws {
        let credentials = try keys.machineCredentials(comment: "vers")
        let host = try publicLine(ofPrivateKey: credentials.hostKey)
        #expect(host.hasPrefix("ssh-ed25519 "))
        #expect(host != credentials.authorizedKey)
    }

    /// The private section is padded to whole blocks, by 0 to 7 bytes, depending on the comment's length.
    @Test(arguments: 0...8) func `every padding is one that OpenSSH accepts`(commentLength: Int) throws {
        let comment = String(repeating: "c", count: commentLength)
        let credentials = try keys.machineCredentials(comment: comment)
        let line = try publicLine(ofPrivateKey: credentials.userKey)
        #expect(line.split(separator: " ").prefix(2) == credentials.authorizedKey.split(separator: " ").prefix(2))
    }

    /// RFC 8032, section 7.1, test 1.
    @Test func `a known seed gives the known public key`() throws {
        let pair = try Ed25519KeyPair(seed: bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
        let blob = try #require(Data(base64Encoded: String(pair.publicLine(comment: "").split(separator: " ")[1])))
        #expect(
            Array(blob.suffix(32)).hexadecimal == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        )
    }

    @Test func `no two machines get the same keys`() throws {
        let all = try (0..<20).map { _ in try keys.machineCredentials(comment: "vers") }
        #expect(Set(all.flatMap { [$0.userKey, $0.hostKey] }).count == 40)
    }

    @Test func `random bytes have the length asked for and differ`() throws {
        #expect(try keys.randomBytes(64).count == 64)
        #expect(try keys.randomBytes(64) != keys.randomBytes(64))
    }

    @Test func `credentials do not print themselves`() throws {
        let credentials = try keys.machineCredentials(comment: "vers")
        #expect("\(credentials)" == "<redacted>")
    }

    private func publicLine(ofPrivateKey key: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "vers-key-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try #require(
            FileManager.default.createFile(
                atPath: file.path,
                contents: Data(key.utf8),
                attributes: [.posixPermissions: 0o600]
            )
        )
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/ssh-keygen")
        process.arguments = ["-y", "-P", "", "-f", file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return text.trimmingCharacters(in: .newlines)
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    }
}
