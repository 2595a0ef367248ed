/// What the first bytes of a connection say about its protocol.
enum FirstBytes: Equatable {
    /// More are needed.
    case undecided
    case ssh
    /// A request of HTTP/1.
    case http
    /// The preface of HTTP/2.
    case http2
    case other

    private static let sshBanner = Array("SSH-2.0-".utf8)
    private static let http2Preface = Array("PRI * HTTP/2.0\r\n".utf8)
    /// Those of WebDAV have up to 16 letters.
    private static let maximumMethodLength = 20

    init(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else {
            self = .undecided
            return
        }
        if let match = Self.compare(bytes, with: Self.sshBanner) {
            self = match ? .ssh : .undecided
        } else if let match = Self.compare(bytes, with: Self.http2Preface) {
            self = match ? .http2 : .undecided
        } else {
            self = Self.request(bytes)
        }
    }

    /// Whether `bytes` begin with `pattern`; false when they may yet, nil when they do not.
    private static func compare(_ bytes: some Collection<UInt8>, with pattern: [UInt8]) -> Bool? {
        guard zip(bytes, pattern).allSatisfy(==) else { return nil }
        return bytes.count >= pattern.count
    }

    /// A method in capitals, a space, and the beginning of a target.
    private static func request(_ bytes: some Collection<UInt8>) -> FirstBytes {
        let method = bytes.prefix { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-") }
        guard !method.isEmpty, method.count <= maximumMethodLength else { return .other }
        let rest = bytes.dropFirst(method.count)
        guard let space = rest.first else { return .undecided }
        guard space == UInt8(ascii: " ") else { return .other }
        guard let target = rest.dropFirst().first else { return .undecided }
        return (0x21...0x7e).contains(target) ? .http : .other
    }
}
