import VersAPI

/// What the front door says by itself, for people who look at a browser or at curl.
enum PlainAnswer {
    static func page(status: Int, _ error: VersError, headers: [String] = []) -> [UInt8] {
        var lines = ["error: \(error.message)", "code: \(error.code)"]
        if let hint = error.hint { lines.append("hint: \(hint)") }
        let body = lines.map { "\($0)\n" }.joined()
        let head =
            [
                "HTTP/1.1 \(status) \(reason(status))",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Length: \(body.utf8.count)",
                "Cache-Control: no-store",
                "Connection: close",
            ] + headers
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    /// The status for a guest that could not be reached.
    static func status(for code: ErrorCode) -> Int {
        switch code {
        case .notFound: 404
        case .timedOut: 504
        case .unavailable, .unreachable: 502
        default: 503
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 302: "Found"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 404: "Not Found"
        case 502: "Bad Gateway"
        case 504: "Gateway Timeout"
        default: "Service Unavailable"
        }
    }
}

/// A fatal alert of TLS, sent before anything is encrypted.
enum TLSAlert: UInt8 {
    case decodeError = 50
    case internalError = 80
    case unrecognizedName = 112

    var record: [UInt8] { [21, 3, 1, 0, 2, 2, rawValue] }
}
