import Foundation
import HostSystem
import KeyMaterial
import SystemPackage
import VersAPI

/// Makes and checks permissions to use a port of a private VM.
///
/// ```
/// token:  base64url( version 1 | expiry, seconds, 8 | code 32 )
/// code:   HMAC-SHA256 with the instance's secret of
///         version 1 | expiry 8 | port 2 | id of the VM, 36 characters
/// ```
struct LinkSigner: Sendable {
    static let parameter = "vers_token"
    private static let version: UInt8 = 1
    private static let secretLength = 32
    private static let tokenLength = 41

    private let secret: [UInt8]

    init(secret: [UInt8]) { self.secret = secret }

    /// The instance's secret, made when there is none. Without it no link is valid any more. Blocks.
    /// - Throws: ``VersError`` when the file is there, but is none.
    static func open(_ path: FilePath) throws -> LinkSigner {
        guard HostFile.identity(of: path) != nil else {
            let secret = try SystemKeyMaterial().randomBytes(secretLength)
            try DurableFile.write(secret, to: path)
            return LinkSigner(secret: secret)
        }
        let secret = try HostFile.read(path, limitInBytes: secretLength + 1)
        guard secret.count == secretLength else {
            throw VersError(
                .internal,
                "invalid secret of the front door in \(path): expected \(secretLength) bytes",
                hint: "restore the file, or remove it to have a new one made: links that were given end then"
            )
        }
        return LinkSigner(secret: secret)
    }

    func token(for machine: MachineID, port: UInt16, validUntil expiry: Date) -> String {
        let seconds = UInt64(max(0, expiry.timeIntervalSince1970))
        let head = [Self.version] + Self.bytes(seconds)
        let code = MessageAuthentication.code(of: message(head, machine, port), key: secret)
        return Data(head + code).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    /// When the permission ends; nil when it is none, is for something else, or has ended.
    func expiry(of token: some StringProtocol, for machine: MachineID, port: UInt16, now: Date = Date()) -> Date? {
        let padding = String(repeating: "=", count: (4 - token.utf8.count % 4) % 4)
        let text = String(token).replacing("-", with: "+").replacing("_", with: "/") + padding
        guard let data = Data(base64Encoded: text), data.count == Self.tokenLength, data.first == Self.version else {
            return nil
        }
        let head = Array(data.prefix(9))
        guard
            MessageAuthentication.isValid(
                Array(data.dropFirst(9)),
                of: message(head, machine, port),
                key: secret
            )
        else { return nil }
        let expiry = Date(timeIntervalSince1970: Double(head.dropFirst().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
        return expiry > now ? expiry : nil
    }

    private func message(_ head: [UInt8], _ machine: MachineID, _ port: UInt16) -> [UInt8] {
        head + [UInt8(port >> 8), UInt8(port & 0xff)] + Array(machine.text.utf8)
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }
}
