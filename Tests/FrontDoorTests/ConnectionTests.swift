import FrontDoor
import NIOCore
import NIOSSL
import Testing
import VersAPI
import VersCore

/// Real TLS over the loopback; the guest's services are the test's.
struct ConnectionTests {
    @Test func `the first bytes choose between the web and ssh`() async throws {
        try await DoorFixture.run { door in
            door.domain.serve(80, DomainDouble.echo)
            door.domain.serve(22, DomainDouble.banner("SSH-2.0-guest\r\n"))
            let web = try await door.connect { client in
                try await client.send("GET / HTTP/1.1\r\n\r\n")
                client.end()
                return try await client.text()
            }
            #expect(web == "GET / HTTP/1.1\r\n\r\n")
            let ssh = try await door.connect { client in
                // In parts, as a slow network delivers it.
                try await client.send("SSH")
                try await client.send("-2.0-client\r\n")
                client.end()
                return try await client.text()
            }
            #expect(ssh == "SSH-2.0-guest\r\nSSH-2.0-client\r\n")
            #expect(door.domain.guests.map(\.endpoint.port) == [80, 22])
            #expect(door.door.counters.http.connections_total == 1)
            #expect(door.door.counters.ssh.connections_total == 1)
        }
    }

    @Test func `a websocket is counted as one, and is passed on as it came`() async throws {
        try await DoorFixture.run { door in
            door.domain.serve(80, DomainDouble.echo)
            door.domain.serve(8000, DomainDouble.echo)
            let request = "GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
            for name in [door.name, "8000-\(door.name)"] {
                try await door.connect(to: name) { client in
                    try await client.send(request)
                    #expect(try await client.text(atLeast: request.utf8.count) == request)
                    #expect(door.door.counters.websocket.connections_active == 1)
                }
                while door.door.counters.websocket.connections_active > 0 { await Task.yield() }
            }
            #expect(door.door.counters.websocket.connections_total == 2)
            #expect(door.door.counters.http == DoorConnectionCounters())
            #expect(door.door.counters.other == DoorConnectionCounters())
        }
    }

    @Test func `who waits for a banner gets that of ssh, but for browsers`() async throws {
        try await DoorFixture.run {
            $0.bannerDelay = .milliseconds(50)
            $0.firstBytesDeadline = .milliseconds(200)
        } _: { door in
            door.domain.serve(22, DomainDouble.banner("SSH-2.0-guest\r\n"))
            let silent = try await door.connect { try await $0.text(atLeast: 15) }
            #expect(silent == "SSH-2.0-guest\r\n")
            let browser = try await door.connect(protocols: ["h2", "http/1.1"]) { try await $0.text() }
            #expect(browser.isEmpty)
            #expect(door.domain.guests.count == 1)
        }
    }

    @Test func `a port in the name is reached unread, and so is that of an extra port`() async throws {
        let extra = try await Self.freePort()
        try await DoorFixture.run {
            $0.extraPorts = [extra]
        } _: { door in
            door.domain.serve(5432, DomainDouble.banner("hello"))
            door.domain.serve(extra, DomainDouble.banner("extra"))
            let named = try await door.connect(to: "5432-\(door.name)") { try await $0.text(atLeast: 5) }
            #expect(named == "hello")
            #expect(door.description.extra_ports == [extra])
            let ported = try await door.connect(port: Int(extra)) { try await $0.text(atLeast: 5) }
            #expect(ported == "extra")
        }
    }

    /// The number of a port that was free just now.
    private static func freePort() async throws -> UInt16 {
        var port: UInt16 = 0
        try await DoorFixture.run { port = $0.description.port ?? 0 }
        return port
    }

    @Test func `a name that is bound leads to its vm, with a certificate of its own`() async throws {
        try await DoorFixture.run { door in
            let machine = door.domain.machine
            door.domain.change { $0.names["app.example.com"] = machine }
            door.domain.serve(80, DomainDouble.echo)
            let answer = try await door.connect(to: "app.example.com") { client in
                try await client.send("GET / HTTP/1.1\r\n")
                client.end()
                return try await client.text()
            }
            #expect(answer == "GET / HTTP/1.1\r\n")
        }
    }

    @Test(arguments: ["nobody.example.com", "\(MachineID()).vm.vers.localhost", "0-x.vm.vers.localhost"])
    func `a name of no vm is refused by an alert`(name: String) async throws {
        try await DoorFixture.run { door in
            await #expect(throws: (any Error).self) {
                try await door.connect(to: name) { client in
                    try await client.send("GET / HTTP/1.1\r\n\r\n")
                    return try await client.text()
                }
            }
            let alert = try await door.connectPlainly { client in
                try await client.send(bytes: try GreetingTests.hello(name))
                return try await client.receive()
            }
            #expect(alert == [21, 3, 1, 0, 2, 2, 112])
            while door.door.counters.refused_total < 2 { await Task.yield() }
        }
    }

    @Test func `http without tls is told so`() async throws {
        try await DoorFixture.run { door in
            let answer = try await door.connectPlainly { client in
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return try await client.text()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            #expect(answer.contains("use https://"))
        }
    }

    @Test func `nonsense and silence are closed, and cost nobody else anything`() async throws {
        try await DoorFixture.run {
            $0.handshakeDeadline = .milliseconds(300)
        } _: { door in
            #expect(try await door.connectPlainly { try await $0.text() } == "")
            let hello = try GreetingTests.hello(door.name)
            for bytes in [[0, 1, 2, 3], Array(hello.prefix(40)), hello + [1, 2, 3, 4, 5]] {
                _ = try? await door.connectPlainly { client in
                    try await client.send(bytes: bytes)
                    return try await client.receive()
                }
            }
            door.domain.serve(80, DomainDouble.echo)
            let answer = try await door.connect { client in
                try await client.send("GET / HTTP/1.1\r\n")
                client.end()
                return try await client.text()
            }
            #expect(answer == "GET / HTTP/1.1\r\n")
        }
    }

    @Test func `a guest that takes no connection is explained to people`() async throws {
        try await DoorFixture.run {
            $0.bannerDelay = .milliseconds(50)
        } _: { door in
            let page = try await door.connect { client in
                try await client.send("GET / HTTP/1.1\r\n\r\n")
                return try await client.text()
            }
            #expect(page.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(
                page.contains("error: nothing listens on port 80\ncode: unavailable\nhint: start a service there\n")
            )
            door.domain.change { $0.error = VersError(.conflict, "the vm is paused", hint: "resume it") }
            let paused = try await door.connect(to: "8080-\(door.name)") { client in
                try await client.send("GET / HTTP/1.1\r\n\r\n")
                return try await client.text()
            }
            #expect(paused.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            // A program that speaks something else sees its connection end.
            let other = try await door.connect(to: "8080-\(door.name)") { try await $0.text() }
            #expect(other.isEmpty)
            #expect(door.door.counters.http.errors == ["unavailable": 1])
        }
    }

    @Test func `a client that the door itself has answered gives its place back at once`() async throws {
        try await DoorFixture.run {
            $0.maximumConnections = 1
        } _: { door in
            let time = try await ContinuousClock().measure {
                for _ in 0..<3 {
                    let page = try await door.connect { client in
                        try await client.send("GET / HTTP/1.1\r\n\r\n")
                        return try await client.text()
                    }
                    #expect(page.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
                }
            }
            // Each would hold the only place for the 5 s that TLS waits.
            #expect(time < .seconds(4))
        }
    }

    @Test func `both directions end by themselves`() async throws {
        try await DoorFixture.run { door in
            // The guest ends first, and goes on reading.
            door.domain.serve(7000) { guest in
                try await guest.fromGuest.write(Array("bye".utf8))
                guest.fromGuest.end()
                while try await guest.toGuest.read() != nil {}
            }
            try await door.connect(to: "7000-\(door.name)") { client in
                #expect(try await client.text() == "bye")
                try await client.send("more")
                client.end()
            }
            let guest = try #require(door.domain.guests.first)
            while !guest.isClosed { await Task.yield() }
            #expect(guest.toGuest.total == 4)
        }
    }

    @Test func `a client that has ended gets its whole answer, however slowly it reads`() async throws {
        try await DoorFixture.run { door in
            let answer = [UInt8](repeating: 7, count: 4 * 1024 * 1024)
            door.domain.serve(7000) { guest in
                while try await guest.toGuest.read() != nil {}
                for _ in 0..<16 { try await guest.fromGuest.write(Array(answer.prefix(answer.count / 16))) }
                guest.fromGuest.end()
            }
            let received = try await door.connect(to: "7000-\(door.name)") { client in
                try await client.send("a question")
                client.end()
                while door.domain.guests.isEmpty { await Task.yield() }
                let guest = door.domain.guests[0]
                // Nothing is read until the door can take no more.
                var last = -1
                while guest.fromGuest.total != last {
                    last = guest.fromGuest.total
                    try await Task.sleep(for: .milliseconds(200))
                }
                return try await client.receive()
            }
            #expect(received.count == answer.count)
        }
    }

    @Test(arguments: LeavingClient.Way.allCases, [true, false])
    func `a client that leaves is let go at once`(way: LeavingClient.Way, guestEndsFirst: Bool) async throws {
        try await DoorFixture.run { door in
            door.domain.serve(7000) { guest in
                try await guest.fromGuest.write(Array("hello".utf8))
                if guestEndsFirst { guest.fromGuest.end() }
                while try await guest.toGuest.read() != nil {}
                guest.fromGuest.end()
            }
            let time = try await ContinuousClock().measure {
                let roots = try NIOSSLCertificate.fromPEMBytes(Array((door.description.ca_certificate ?? "").utf8))
                try await LeavingClient.visit("7000-\(door.name)", at: door.port, trusting: roots, leaving: way)
                let guest = try #require(door.domain.guests.first)
                while !guest.isClosed { await Task.yield() }
                while door.door.counters.other.connections_active > 0 { await Task.yield() }
            }
            // TLS would wait for 5 s.
            #expect(time < .seconds(4))
        }
    }

    @Test func `a guest that breaks off is not taken for one that has finished`() async throws {
        try await DoorFixture.run { door in
            door.domain.serve(7000) { guest in
                try await guest.fromGuest.write(Array("half an ans".utf8))
                _ = try await guest.toGuest.read()
                guest.fromGuest.destroy()
            }
            await #expect(throws: NIOSSLError.self) {
                try await door.connect(to: "7000-\(door.name)") { client in
                    try await client.send("go")
                    return try await client.text()
                }
            }
            while door.door.counters.other.connections_active > 0 { await Task.yield() }
            #expect(door.domain.guests.first?.isClosed == true)
        }
    }

    @Test func `a client that does not read stops the guest`() async throws {
        try await DoorFixture.run { door in
            let chunk = [UInt8](repeating: 7, count: 32 * 1024)
            door.domain.serve(7000) { guest in while true { try await guest.fromGuest.write(chunk) } }
            try await door.connect(to: "7000-\(door.name)") { client in
                _ = try await client.receive(atLeast: 1)
                let guest = try #require(door.domain.guests.first)
                // Until nothing moves any more: what the kernel and both ends hold.
                var last = -1
                while guest.fromGuest.total != last {
                    last = guest.fromGuest.total
                    try await Task.sleep(for: .milliseconds(300))
                }
                #expect(last < 32 * 1024 * 1024)
            }
            let guest = try #require(door.domain.guests.first)
            while !guest.isClosed { await Task.yield() }
        }
    }

    @Test func `a guest that does not read stops the client`() async throws {
        try await DoorFixture.run { door in
            door.domain.serve(7000) { guest in try await Task.sleep(for: .seconds(3600)) }
            let sent = try await door.connect(to: "7000-\(door.name)") { client in
                let chunk = [UInt8](repeating: 7, count: 32 * 1024)
                return await withTaskGroup(of: Void.self) { group in
                    group.addTask { while (try? await client.send(bytes: chunk)) != nil, !Task.isCancelled {} }
                    try? await Task.sleep(for: .seconds(1))
                    let sent = door.domain.guests.first?.toGuest.total ?? 0
                    group.cancelAll()
                    return sent
                }
            }
            #expect((1...256 * 1024).contains(sent))
        }
    }

    @Test func `vers asks for a port with its key`() async throws {
        try await DoorFixture.run { door in
            door.domain.serve(5432, DomainDouble.banner("ready\n"))
            func ask(_ line: String) async throws -> String {
                try await door.connect(protocols: ["vers-tunnel/1"]) { client in
                    try await client.send(line)
                    client.end()
                    return try await client.text()
                }
            }
            let good = try await ask("{\"key\":\"good key\",\"host\":\"db\",\"port\":5432}\nhello")
            #expect(good == "{\"ok\":true}\nready\nhello")
            #expect(door.domain.guests.map(\.endpoint.description) == ["db:5432"])
            #expect(try await ask("{\"key\":\"bad key\",\"port\":5432}\n").contains(#""code":"unauthenticated""#))
            #expect(try await ask("{\"key\":\"foreign key\",\"port\":5432}\n").contains(#""code":"not_found""#))
            #expect(try await ask("{\"key\":\"good key\",\"port\":1}\n").contains(#""code":"unavailable""#))
            #expect(try await ask("nonsense\n").contains(#""code":"invalid_body""#))
            #expect(try await ask(String(repeating: "x", count: 5000)).contains(#""code":"invalid_body""#))
            #expect(door.domain.guests.count == 1)
        }
    }

    @Test func `a thousand connections at once, and none is left`() async throws {
        try await DoorFixture.run {
            $0.maximumConnections = 400
        } _: { door in
            door.domain.serve(7000, DomainDouble.echo)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let text = try await door.connect(to: "7000-\(door.name)") { client in
                            try await client.send("number \(number)")
                            client.end()
                            return try await client.text()
                        }
                        #expect(text == "number \(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(door.domain.guests.count == 1000)
            while door.door.counters.other.connections_active > 0 { await Task.yield() }
            let open = door.domain.guests.filter { !$0.isClosed }
            #expect(open.isEmpty)
        }
    }

    @Test func `the end of the daemon ends connections`() async throws {
        let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
        var client: Task<String, any Error>?
        try await DoorFixture.run { door in
            door.domain.serve(7000) { guest in
                try await guest.fromGuest.write(Array("ready".utf8))
                while try await guest.toGuest.read() != nil {}
            }
            client = Task {
                try await door.connect(to: "7000-\(door.name)") { client in
                    try await client.text { isReady.finish() }
                }
            }
            for await _ in ready {}
        }
        // The end is one of TLS, not a torn connection.
        #expect(try await client?.value == "ready")
    }
}
