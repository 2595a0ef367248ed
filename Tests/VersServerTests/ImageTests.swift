import APITestSupport
import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient
import VersServer

struct ImageTests {
    private func file(_ bytes: Int) throws -> FilePath {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("vers-\(UUID().uuidString)")
        try Data(repeating: 1, count: bytes).write(to: url)
        return FilePath(url.path)
    }

    @Test func `every route reaches the domain`() async throws {
        try await ServerFixture.run { server in
            let id = BaseImageID()
            _ = try await server.client.images(limit: 7, offset: 3)
            let source = ImageCreateRequest.Source(type: .docker, image_ref: "debian")
            _ = try await server.client.createImage(.init(image_name: "a", source: source))
            #expect(try await server.client.imageStatus("a").status == .ready)
            try await server.client.deleteImage(id)
            #expect(server.images.recorded == ["list 7 3", "create a docker debian", "status a", "delete \(id)"])
        }
    }

    @Test func `an archive larger than a body may be arrives whole`() async throws {
        let file = try file(20 << 20)
        defer { try? FileManager.default.removeItem(atPath: file.string) }
        try await ServerFixture.run { server in
            let job = try await server.client.uploadImage(file, name: "big", sizeMiB: 1024)
            #expect(job.image_name == "big" && job.status == .queued)
            #expect(server.images.recorded == ["upload big 1024"] && server.images.received == [20 << 20])
        }
    }

    @Test func `an archive over the limit is refused`() async throws {
        let file = try file(3 << 20)
        defer { try? FileManager.default.removeItem(atPath: file.string) }
        try await ServerFixture.run {
            $0.maximumArchiveBytes = 1 << 20
        } _: { server in
            let error = await #expect(throws: VersError.self) {
                _ = try await server.client.uploadImage(file, name: "big")
            }
            #expect(error?.code == .payloadTooLarge)
            #expect(server.images.received.isEmpty)
        }
    }

    @Test(arguments: [
        ("", 400), ("?image_name=a&size_mib=100", 400), ("?image_name=a&size_mib=x", 400),
        ("?image_name=a&size_mib=40000", 400), ("?image_name=a", 400),
    ])
    func `what is wrong with an upload is told`(query: String, status: Int) async throws {
        try await ServerFixture.run { server in
            let answer = try await RawHTTP.send("POST", "/api/v1/images/upload\(query)", body: "", to: server.socket)
            #expect(answer.status == status, "\(answer)")
            #expect(server.images.received.isEmpty)
        }
    }

    @Test(arguments: ["Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\n"])
    func `an upload whose client goes away is none`(framing: String) async throws {
        try await ServerFixture.run { server in
            try await RawHTTP.connect(to: server.socket) { connection in
                try await connection.send(
                    "POST /api/v1/images/upload?image_name=a HTTP/1.1\r\nHost: a\r\n"
                        + "Authorization: Bearer \(DomainDouble.key)\r\n\(framing)first bytes"
                )
            }
            await server.beginShutdown()
            #expect(server.images.received.isEmpty)
        }
    }
}
