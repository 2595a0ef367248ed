import Foundation
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// From outside into real guests.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct FrontDoor {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        /// A VM with a page on port 80 of the loopback and on 8081 of IPv6, and a service that speaks first on 7000.
        private func newService() async throws -> MachineID {
            let machine = try await client.newTiny()
            try await client.sh(
                machine,
                """
                mkdir -p /www; echo page of $HOSTNAME >/www/index.html
                printf '#!/bin/sh\\necho hello; exec cat\\n' >/root/greet; chmod +x /root/greet
                httpd -p 127.0.0.1:80 -h /www; httpd -p '[::1]:8081' -h /www
                (nc -ll -p 7000 -e /root/greet </dev/null >/dev/null 2>&1 &)
                i=0; until netstat -ltn | grep -q :7000; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
                """
            )
            return machine
        }

        @Test func `services of a guest are reached by name, also of a branch and after a restart`() async throws {
            let machine = try await newService()
            let door = try await DoorClient(client)
            let name = door.door.hostName(of: machine)
            #expect(try await door.get(name).contains("200 OK"))
            #expect(try await door.get("8081-\(name)").contains("page of"))
            #expect(try await door.get("81-\(name)").hasPrefix("HTTP/1.1 502 "))
            #expect(try await door.ask("7000-\(name)", "and bye") == "hello\nand bye")
            // Passed unread once the first bytes are known, whatever the request asks for.
            let upgrade = "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\u{1}\u{2}"
            #expect(try await door.ask("7000-\(name)", upgrade) == "hello\n" + upgrade)

            try await instance.ok("domain create app.example.com \(machine)")
            #expect(try await door.get("app.example.com").contains("page of"))

            let child = try #require(try await client.branch(machine).first)
            #expect(try await door.get(door.door.hostName(of: child)).contains("page of"))
            #expect(try await door.ask("7000-\(door.door.hostName(of: child))", "child") == "hello\nchild")

            try await instance.restartDaemon()
            let restarted = try instance.client()
            let again = try await DoorClient(restarted)
            #expect(again.door == door.door)
            #expect(try await again.get(name).contains("page of"))

            try await restarted.deleteMachine(child)
            await #expect(throws: (any Error).self) { try await again.get(again.door.hostName(of: child)) }
        }

        @Test func `many at once, and nothing is left of them`() async throws {
            let machine = try await newService()
            let door = try await DoorClient(client)
            let name = door.door.hostName(of: machine)
            _ = try await door.get(name)
            let pid = try #require(instance.daemonPID)
            let before = try DaemonUsage.sockets(of: pid)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // As many as the guest's small server lets wait; each a connection of its own.
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<12 {
                            let answer = try await door.get(name)
                            #expect(answer.contains("page of"))
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await eventually("the daemon to have as many sockets as before") {
                try DaemonUsage.sockets(of: pid) <= before
            }
            try await eventually("the daemon to count no connection") {
                try await client.health().front_door.http.connections_active == 0
            }
            #expect(try await client.health().front_door.http.connections_total >= 97)
        }

        @Test func `a private vm and its branches need a link or a key`() async throws {
            let machine = try await newService()
            let door = try await DoorClient(client)
            try await instance.ok("expose \(machine) --private")
            let child = try #require(try await client.branch(machine).first)
            for id in [machine, child] {
                let name = door.door.hostName(of: id)
                #expect(try await door.get(name).hasPrefix("HTTP/1.1 401 "))
                #expect(try await door.ask("7000-\(name)", "x").isEmpty)
                let link = try await instance.ok("expose \(id) --link --expires 5m -q").text
                let url = try #require(URL(string: link))
                #expect(url.host() == name)
                let led = try await door.get(name, "/?\(try #require(url.query()))")
                #expect(led.hasPrefix("HTTP/1.1 302 "))
                let cookie = try #require(led.firstMatch(of: #/Set-Cookie: ([^;]+);/#)).1
                #expect(try await door.get(name, headers: "Cookie: \(cookie)\r\n").contains("page of"))
                let key = "Authorization: Bearer \(try instance.key)\r\n"
                #expect(try await door.get(name, headers: key).contains("page of"))
            }
            try await instance.ok("expose \(machine) --public")
            #expect(try await door.get(door.door.hostName(of: machine)).contains("page of"))
            #expect(try await instance.ok("open \(machine) 8081 --print").text.contains("://8081-\(machine).vm."))
            let born = try await instance.ok("run --rootfs tiny --mem-size 128 --private -q").text
            #expect(try await instance.ok("expose \(born)").stdout.contains("private"))
            #expect(try await instance.ok("trust --print").stdout == door.door.ca_certificate)
            #expect(try await instance.ok("doctor").stdout.contains("front door"))
        }
    }
}
