import APITestSupport
import Foundation
import Synchronization
import SystemPackage
import Testing
import VersAPI
import VersClient
import VersServer

@Suite struct LimitTests {
    private static let key = "Authorization: Bearer \(DomainDouble.key)\r\n"

    @Test func aHugeBodyIsRefusedBeforeItIsSent() async throws {
        try await ServerFixture.run { server in
            let text = "POST /api/v1/vm/new_root HTTP/1.1\r\nHost: v\r\n\(Self.key)Content-Length: 100000000\r\n\r\n"
            try await RawHTTP.connect(to: server.socket) { connection in
                try await connection.send(text)
                var answer = ""
                while !answer.contains("payload_too_large"), let piece = try await connection.read() { answer += piece }
                #expect(answer.hasPrefix("HTTP/1.1 413"))
                #expect(answer.lowercased().contains("connection: close"))
                #expect(answer.contains("8388608"))
            }
        }
    }

    @Test func aChunkedBodyIsRefusedWhenItPassesTheLimit() async throws {
        try await ServerFixture.run {
            $0.maximumBodyBytes = 1000
            $0.lingerTimeout = .milliseconds(50)
        } _: { server in
            let head = "POST /api/v1/vm/new_root HTTP/1.1\r\nHost: v\r\n\(Self.key)Transfer-Encoding: chunked\r\n\r\n"
            let chunk = "1f4\r\n" + String(repeating: " ", count: 500) + "\r\n"
            let answer = try await RawHTTP.exchange(head + chunk + chunk + chunk, with: server.socket)
            #expect(answer.status == 413)
            #expect(server.domain.recorded.isEmpty)
        }
    }

    @Test func aHundredMegabytesThatAreSentGetTheAnswerToo() async throws {
        try await ServerFixture.run { server in
            let head = "PUT /api/v1/vm/\(MachineID())/files HTTP/1.1\r\nHost: v\r\n\(Self.key)"
            let answer = try await RawHTTP.connect(to: server.socket) { connection in
                try await connection.send(head + "Content-Length: 104857600\r\n\r\n")
                let piece = String(repeating: "x", count: 1024 * 1024)
                for _ in 0..<100 { try await connection.send(piece) }
                var answer = ""
                while !answer.contains("payload_too_large"), let piece = try await connection.read() { answer += piece }
                return answer
            }
            #expect(answer.hasPrefix("HTTP/1.1 413"))
            #expect(server.domain.recorded.isEmpty)
        }
    }

    @Test func theClientDoesNotEvenSendAFileOverTheLimit() async throws {
        try await ServerFixture.run { server in
            let bytes = [UInt8](repeating: 0, count: TransferLimit.fileBytes + 1)
            let error = await #expect(throws: VersError.self) {
                try await server.client.writeFile(bytes, to: "/big", in: server.domain.machine)
            }
            #expect(error?.code == .payloadTooLarge)
            let health = try await server.client.health()
            #expect(health.http.requests_total == 1)
        }
    }

    @Test func uploadsHaveALargerLimit() async throws {
        try await ServerFixture.run { server in
            let bytes = [UInt8](repeating: 7, count: 9 * 1024 * 1024)
            try await server.client.writeFile(bytes, to: "/big", in: server.domain.machine, mode: 0o600)
            #expect(server.domain.guest.snapshot.files["/big"] == bytes)
            #expect(server.domain.guest.snapshot.modes == [0o600])
            #expect(try await server.client.readFile("/big", in: server.domain.machine) == bytes)
        }
    }

    @Test func trickledHeadersAreCutOff() async throws {
        try await ServerFixture.run {
            $0.idleTimeout = .seconds(1)
        } _: { server in
            try await RawHTTP.connect(to: server.socket) { connection in
                try await connection.send("GET /api/v1/vms HTTP/1.1\r\nHost: v\r\n")
                let answer = try await connection.read()
                #expect(answer == nil)
            }
        }
    }

    @Test func anIdleBodyIsCutOff() async throws {
        try await ServerFixture.run {
            $0.idleTimeout = .seconds(1)
        } _: { server in
            let head = "PATCH /api/v1/vm/\(MachineID())/state HTTP/1.1\r\nHost: v\r\n\(Self.key)"
            try await RawHTTP.connect(to: server.socket) { connection in
                try await connection.send(head + "Content-Length: 20\r\n\r\n{\"state\"")
                _ = try await connection.readToEnd()
            }
            #expect(server.domain.recorded.isEmpty)
        }
    }

    @Test func aBodyThatNeverEndsTimesOut() async throws {
        try await ServerFixture.run {
            $0.bodyTimeout = .milliseconds(100)
            $0.lingerTimeout = .milliseconds(50)
        } _: { server in
            let head = "PATCH /api/v1/vm/\(MachineID())/state HTTP/1.1\r\nHost: v\r\n\(Self.key)"
            let answer = try await RawHTTP.exchange(head + "Content-Length: 20\r\n\r\n{", with: server.socket)
            #expect(answer.status == 408)
            #expect(answer.body.contains("timed_out"))
        }
    }

    @Test func theSocketIsPrivateAndGoesWithTheServer() async throws {
        let path = Mutex<String>("")
        try await ServerFixture.run { server in
            let attributes = try FileManager.default.attributesOfItem(atPath: server.socket.string)
            #expect((attributes[.posixPermissions] as? NSNumber)?.uint16Value == 0o600)
            path.withLock { $0 = server.socket.string }
        }
        #expect(!FileManager.default.fileExists(atPath: path.withLock { $0 }))
    }

    @Test func theTCPPortIsReportedAndServes() async throws {
        try await ServerFixture.run { server in
            #expect(server.endpoints.port > 0)
            let client = try VersClient(baseURL: server.endpoints.url, apiKey: DomainDouble.key)
            try await VersClient.with(client) { client in
                let machines = try await client.machines()
                #expect(machines.count == 1)
            }
        }
    }

    @Test func aTakenPortIsAnErrorThatNamesIt() async throws {
        try await ServerFixture.run { server in
            let port = server.endpoints.port
            let error = await #expect(throws: VersError.self) {
                try await ServerFixture.run {
                    $0.port = port
                } _: { _ in
                }
            }
            #expect(error?.message == "cannot listen on 127.0.0.1:\(port)")
        }
    }
}
