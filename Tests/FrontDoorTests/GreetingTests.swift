import NIOCore
import NIOEmbedded
import NIOSSL
import TestSupport
import Testing
import VersAPI
import VersCore

@testable import FrontDoor

struct GreetingTests {
    /// What a real client sends first.
    static func hello(_ name: String?, _ protocols: [String] = []) throws -> [UInt8] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        let channel = EmbeddedChannel()
        let handler = try NIOSSLClientHandler(
            context: try NIOSSLContext(configuration: configuration),
            serverHostname: name
        )
        try channel.pipeline.syncOperations.addHandler(handler)
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/x"), promise: nil)
        let bytes = try #require(try channel.readOutbound(as: ByteBuffer.self))
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return Array(bytes.readableBytesView)
    }

    @Test func `a client's name and protocols are read, whole or in parts`() throws {
        let bytes = try Self.hello("web.example.com", ["h2", "http/1.1"])
        let expected = ClientHello(serverName: "web.example.com", protocols: ["h2", "http/1.1"])
        #expect(ClientHello.read(bytes) == .hello(expected))
        for count in 0..<bytes.count { #expect(ClientHello.read(bytes.prefix(count)) == .incomplete, "\(count)") }
    }

    @Test func `a message may span several records`() throws {
        let message = try Self.hello("web.example.com").dropFirst(5)
        var bytes: [UInt8] = []
        for byte in message { bytes += [22, 3, 1, 0, 1, byte] }
        #expect(ClientHello.read(bytes) == .hello(ClientHello(serverName: "web.example.com", protocols: [])))
    }

    @Test func `who names nobody has no name`() throws {
        #expect(ClientHello.read(try Self.hello(nil)) == .hello(ClientHello(serverName: nil, protocols: [])))
    }

    @Test func `what is no TLS is told from TLS that is broken`() {
        #expect(ClientHello.read(Array("GET / HTTP/1.1\r\n".utf8)) == .foreign)
        #expect(ClientHello.read(Array("SSH-2.0-x\r\n".utf8)) == .foreign)
        #expect(ClientHello.read([22, 9]) == .foreign)
        #expect(ClientHello.read([22, 3, 1, 0, 0]) == .malformed)
        #expect(ClientHello.read([22, 3, 1, 0x50, 0]) == .malformed)
        #expect(ClientHello.read([22, 3, 1, 0, 4, 2]) == .malformed)
        #expect(ClientHello.read([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]) == .malformed)
        #expect(ClientHello.read([]) == .incomplete)
    }

    @Test func `no bytes are too strange`() throws {
        let bytes = try Self.hello("web.example.com", ["h2"])
        var generator = SeededGenerator(seed: 19)
        for _ in 0..<5000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(
                    in: .min ... .max,
                    using: &generator
                )
            }
            _ = ClientHello.read(changed.prefix(Int.random(in: 0...changed.count, using: &generator)))
            _ = FirstBytes(changed)
        }
    }

    @Test(arguments: [
        ("", FirstBytes.undecided), ("SSH-", .undecided), ("SSH-2.0-OpenSSH", .ssh), ("SSH-1.99-x", .other),
        ("G", .undecided), ("GET", .undecided), ("GET ", .undecided), ("GET /", .http), ("OPTIONS *", .http),
        ("CONNECT a:1", .http), ("PRI * HTTP/2.0\r\n", .http2), ("PRI *", .undecided), ("PROPFIND /", .http),
        ("EHLO\r\n", .other), ("\u{0}\u{0}\u{0}\u{8}", .other), ("get /", .other), ("ABCDEFGHIJKLMNOPQRSTU", .other),
    ])
    func `the first bytes tell the protocol`(text: String, expected: FirstBytes) {
        #expect(FirstBytes(Array(text.utf8)) == expected)
    }

    @Test func `names say which vm and which port`() throws {
        let id = MachineID()
        func name(_ text: String) -> DoorName { DoorName(text, domain: "vers.localhost") }
        #expect(name("\(id).vm.vers.localhost") == .machine(id, port: nil))
        #expect(name("8080-\(id).vm.vers.localhost") == .machine(id, port: 8080))
        for front in ["0-", "08080-", "65536-", "-", "x-", "80", "+80-", "a.", "80--"] {
            #expect(name("\(front)\(id).vm.vers.localhost") == .unknown, "\(front)")
        }
        #expect(name("web.vm.vers.localhost") == .unknown)
        #expect(name("web.vers.localhost") == .other("web.vers.localhost"))
        #expect(name("vm.vers.localhost") == .other("vm.vers.localhost"))
        #expect(name("\(id).vm.vers.localhost.evil") == .other("\(id).vm.vers.localhost.evil"))
    }

    @Test(
        arguments: [
            ([], nil), (["h2", "http/1.1"], "http/1.1"), (["h2"], "h2"), (["grpc-exp", "h2"], "h2"),
            (["postgresql"], "postgresql"), (["http/1.1", "vers-tunnel/1"], "vers-tunnel/1"),
        ] as [([String], String?)]
    )
    func `one of the client's protocols is agreed on`(offered: [String], chosen: String?) {
        #expect(ProtocolChoice.choose(from: offered) == chosen)
    }

    @Test func `a tunnel's first line is checked`() throws {
        let request = try TunnelRequest(line: Array(#"{"key":"k","host":"db","port":5432}"#.utf8))
        #expect(request.endpoint.description == "db:5432")
        let own = try TunnelRequest(line: Array(#"{"key":"k","port":22}"#.utf8))
        #expect(own.host == nil)
        for line in [
            "", "x", "{}", #"{"key":"secret","port":0}"#, #"{"key":"secret","port":65536}"#,
            #"{"key":"secret","port":1,"host":"a b"}"#, #"{"key":"secret","port":1,"host":""}"#,
        ] {
            let error = #expect(throws: VersError.self, "\(line)") { _ = try TunnelRequest(line: Array(line.utf8)) }
            #expect(error?.description.contains("secret") == false)
        }
    }
}
