/// Which of a client's application protocols (ALPN) is agreed on.
///
/// The front door reads no protocol of the guest's, so it cannot know which the guest speaks. Nearly every web server
/// speaks HTTP/1.1 and few speak HTTP/2 without TLS: a client that offers both gets HTTP/1.1. One that offers only
/// `h2`, as gRPC does, or only `postgresql`, knows what it wants and gets that.
enum ProtocolChoice {
    /// What `vers` itself speaks: see ``TunnelRequest``.
    static let tunnel = "vers-tunnel/1"
    static let http = "http/1.1"
    private static let http2 = "h2"

    static func choose(from offered: [String]) -> String? {
        if offered.contains(tunnel) { return tunnel }
        if offered.contains(http) { return http }
        return offered.contains(http2) ? http2 : offered.first
    }

    /// Whether somebody who agreed on it speaks first, and not SSH.
    static func isHTTP(_ name: String?) -> Bool { name == http || name == http2 }
}
