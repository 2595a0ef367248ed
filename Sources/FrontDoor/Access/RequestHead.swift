/// The head of a request of HTTP/1, as far as it decides about access. It is passed on as it came.
struct RequestHead: Equatable {
    static let maximumLength = 16 * 1024
    private static let end = Array("\r\n\r\n".utf8)

    var method: String
    /// Path and query; begins with a slash.
    var target: String
    /// Names in lower case.
    private var fields: [(name: String, value: String)]

    static func == (lhs: Self, rhs: Self) -> Bool { lhs.method == rhs.method && lhs.target == rhs.target }

    /// Whether the head is complete.
    static func isComplete(_ bytes: some Collection<UInt8>) -> Bool {
        var matched = 0
        for byte in bytes {
            if byte == end[matched] {
                matched += 1
                if matched == end.count { return true }
            } else {
                matched = byte == end[0] ? 1 : 0
            }
        }
        return false
    }

    /// Nil when it is none that a browser would send.
    init?(_ bytes: [UInt8]) {
        guard Self.isComplete(bytes) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).makeIterator()
        let words = (lines.next() ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), words[1].first == "/",
            words[1].utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        (method, target, fields) = (String(words[0]), String(words[1]), [])
        while let line = lines.next(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields.append((line[..<colon].lowercased(), String(value)))
        }
    }

    func values(of name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    var asksForWebSocket: Bool { values(of: "upgrade").contains { $0.lowercased() == "websocket" } }

    func cookie(_ name: String) -> Substring? {
        for value in values(of: "cookie") {
            for pair in value.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                if pair.hasPrefix("\(name)=") { return pair.dropFirst(name.count + 1) }
            }
        }
        return nil
    }

    /// The value of a parameter in the query, and the target without it.
    func removing(parameter name: String) -> (value: Substring, target: String)? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        var parts = target[target.index(after: mark)...].split(separator: "&")
        guard let index = parts.firstIndex(where: { $0.hasPrefix("\(name)=") }) else { return nil }
        let value = parts.remove(at: index).dropFirst(name.count + 1)
        // Two slashes at the beginning would lead to another server.
        let path = "/" + target[..<mark].drop { $0 == "/" }
        return (value, parts.isEmpty ? path : "\(path)?\(parts.joined(separator: "&"))")
    }
}
