/// What a TLS client says of itself in its first message: whom it wants, and which protocols it speaks.
///
/// Only so much is read as is needed to choose a certificate; the TLS library reads the same bytes again, and is strict.
///
/// ```
/// record:    22 | version 2 | length 2 | fragment …            (a message may span several)
/// message:   1 | length 3 | version 2 | random 32 | session 1+n | ciphers 2+n | compression 1+n | extensions 2+n
/// extension: type 2 | length 2 | value
/// ```
struct ClientHello: Equatable {
    /// In lower case, without a dot at its end. Nil when the client named nobody.
    var serverName: String?
    /// As offered, the preferred first.
    var protocols: [String]

    enum Outcome: Equatable {
        case incomplete
        case hello(ClientHello)
        /// Not TLS at all.
        case foreign
        /// TLS, but broken.
        case malformed
    }

    /// Larger ones are not read. Those of browsers have 2 KiB, with keys for the time after quantum computers.
    static let maximumLength = 32 * 1024

    private static let handshakeRecord: UInt8 = 22
    private static let helloMessage: UInt8 = 1
    private static let maximumFragment = 16 * 1024

    /// Reads the beginning of a connection.
    static func read(_ bytes: some Collection<UInt8>) -> Outcome {
        var cursor = ByteCursor(Array(bytes))
        var message: [UInt8] = []
        while true {
            guard let type = cursor.byte() else { return .incomplete }
            guard type == handshakeRecord else { return message.isEmpty ? .foreign : .malformed }
            guard let major = cursor.byte() else { return .incomplete }
            guard major == 3 else { return message.isEmpty ? .foreign : .malformed }
            guard cursor.byte() != nil, let length = cursor.number(2) else { return .incomplete }
            guard (1...maximumFragment).contains(length) else { return .malformed }
            let fragment = cursor.upTo(length)
            message += fragment
            if let first = message.first, first != helloMessage { return .malformed }
            if let outcome = complete(message) { return outcome }
            guard fragment.count == length else { return .incomplete }
        }
    }

    /// Nil as long as the message is not complete.
    private static func complete(_ message: [UInt8]) -> Outcome? {
        var cursor = ByteCursor(message)
        guard cursor.byte() != nil, let length = cursor.number(3) else { return nil }
        guard length <= maximumLength else { return .malformed }
        guard let body = cursor.take(length) else { return nil }
        guard let hello = ClientHello(body: body) else { return .malformed }
        return .hello(hello)
    }

    init(serverName: String?, protocols: [String]) {
        self.serverName = serverName
        self.protocols = protocols
    }

    private init?(body: [UInt8]) {
        self.init(serverName: nil, protocols: [])
        var cursor = ByteCursor(body)
        guard cursor.take(34) != nil, cursor.prefixed(1) != nil, cursor.prefixed(2) != nil, cursor.prefixed(1) != nil
        else { return nil }
        // Clients from before extensions name nobody.
        guard !cursor.isAtEnd else { return }
        guard let extensions = cursor.prefixed(2) else { return nil }
        var list = ByteCursor(extensions)
        while !list.isAtEnd {
            guard let type = list.number(2), let value = list.prefixed(2), take(type, value) else { return nil }
        }
    }

    private mutating func take(_ type: Int, _ value: [UInt8]) -> Bool {
        var cursor = ByteCursor(value)
        switch type {
        case 0:
            guard let names = cursor.prefixed(2) else { return false }
            return takeName(names)
        case 16:
            guard let names = cursor.prefixed(2) else { return false }
            return takeProtocols(names)
        default: return true
        }
    }

    private mutating func takeName(_ bytes: [UInt8]) -> Bool {
        var cursor = ByteCursor(bytes)
        while !cursor.isAtEnd {
            guard let type = cursor.byte(), let name = cursor.prefixed(2) else { return false }
            guard type == 0 else { continue }
            guard (1...255).contains(name.count), name.allSatisfy({ (0x21...0x7e).contains($0) }) else { return false }
            var text = String(decoding: name, as: UTF8.self).lowercased()
            if text.hasSuffix(".") { text.removeLast() }
            serverName = text
        }
        return true
    }

    private mutating func takeProtocols(_ bytes: [UInt8]) -> Bool {
        var cursor = ByteCursor(bytes)
        while !cursor.isAtEnd {
            guard let name = cursor.prefixed(1), !name.isEmpty else { return false }
            // Names need not be text; those that are not are of no use here.
            if let text = String(validating: name, as: UTF8.self) { protocols.append(text) }
        }
        return true
    }
}
