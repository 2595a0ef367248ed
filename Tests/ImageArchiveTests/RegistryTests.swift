import Foundation
import HostSystem
import Synchronization
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import ImageArchive

/// Debian's `docker-registry` on the loopback.
@Suite(.enabled(if: HostTool("docker-registry") != nil, "docker-registry is not installed"), .serialized)
struct RegistryTests {
    private static let layer = TarBuilder.build { $0.add("bin/app", "x", mode: 0o755) }

    @Test func `an image is fetched by tag and by digest, and what is not there is told`() async throws {
        try await Scratch.run { scratch in
            try await Registry.run(in: scratch) { registry in
                let digest = try registry.push("team/app", tag: "1", ArchiveWriter(layers: [Self.layer]))
                for version in [":1", "@\(digest)"] {
                    let reference = "\(registry.host)/team/app\(version)"
                    let (image, directory) = try await scratch.build(.reference(reference))
                    #expect(image.configuration.arguments == ["/bin/app"])
                    let disk = directory.appending(ImageBuildFile.disk)
                    #expect(try scratch.look("stat /bin/app", disk).contains("Mode:  0755"))
                }
                for name in ["team/app:2", "team/none", "team/app@sha256:\(String(repeating: "a", count: 64))"] {
                    let error = await #expect(throws: VersError.self) {
                        _ = try await scratch.build(.reference("\(registry.host)/\(name)"))
                    }
                    #expect(error?.code == .notFound)
                }
            }
        }
    }

    @Test func `an image is refused whose blob is another, or is too large`() async throws {
        try await Scratch.run { scratch in
            try await Registry.run(in: scratch) { registry in
                try registry.push("app", tag: "1", ArchiveWriter(layers: [Self.layer]))
                let reference = "\(registry.host)/app:1"
                let error = await #expect(throws: VersError.self) {
                    _ = try await scratch.build(.reference(reference), limitMiB: 0)
                }
                #expect(error?.code == .payloadTooLarge)
                try registry.spoil(ArchiveWriter.digest(Self.layer))
                let spoiled = await #expect(throws: VersError.self) {
                    _ = try await scratch.build(.reference(reference))
                }
                #expect(spoiled?.code == .invalidArgument && spoiled?.message.contains("digest") == true)
            }
        }
    }

    /// A registry that asks for a token, has the image for two kinds of machines, and keeps its blobs elsewhere.
    @Test func `tokens, indexes and redirects are followed, and the token stays with the registry`() async throws {
        try await Scratch.run { scratch in
            try await TokenRegistry.run(in: scratch, ArchiveWriter(layers: [Self.layer])) { host in
                let (image, _) = try await scratch.build(.reference("\(host)/team/app"))
                #expect(image.configuration.arguments == ["/bin/app"])
            }
        }
    }

    @Test func `nobody answers`() async throws {
        try await Scratch.run { scratch in
            let error = await #expect(throws: VersError.self) {
                _ = try await scratch.build(.reference("127.0.0.1:1/app"))
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func `the fields of a challenge are read`() {
        let challenge =
            #"Bearer realm="https://auth.example/token",service="registry.example", scope="repository:a/b:pull""#
        #expect(
            RegistryTransport.fields(of: challenge) == [
                "realm": "https://auth.example/token", "service": "registry.example", "scope": "repository:a/b:pull",
            ]
        )
        #expect(RegistryTransport.fields(of: "Basic") == [:])
    }
}

/// A registry that runs, with its files below a scratch directory.
private struct Registry {
    let scratch: Scratch
    let host: String

    private var blobs: FilePath { scratch.path.appending("registry/docker/registry/v2/blobs/sha256") }

    static func run(in scratch: Scratch, _ body: (Registry) async throws -> Void) async throws {
        let port = Int.random(in: 20_000...32_000)
        let configuration = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(scratch.path.appending("registry"))}}
            http: {addr: "127.0.0.1:\(port)"}
            """
        let file = try scratch.file(Array(configuration.utf8), "registry.yml")
        let process = Process()
        process.executableURL = URL(filePath: try #require(HostTool("docker-registry")).executable.string)
        process.arguments = ["serve", file.string]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            // It may have inherited a mask that blocks what asks it to end.
            kill(process.processIdentifier, SIGKILL)
        }
        let registry = Registry(scratch: scratch, host: "127.0.0.1:\(port)")
        // curl waits for the listener.
        try registry.curl(["--retry", "50", "--retry-delay", "0", "--retry-connrefused", "http://\(registry.host)/v2/"])
        try await body(registry)
    }

    /// - Returns: the digest of the manifest.
    @discardableResult
    func push(_ name: String, tag: String, _ image: ArchiveWriter) throws -> String {
        let config = try blob(name, try image.configuration, "application/vnd.oci.image.config.v1+json")
        let layers = try image.stored.map { try blob(name, $0, "application/vnd.oci.image.layer.v1.tar") }
        let type = "application/vnd.oci.image.manifest.v1+json"
        let document: [String: Any] = ["schemaVersion": 2, "mediaType": type, "config": config, "layers": layers]
        let manifest = Array(try JSONSerialization.data(withJSONObject: document, options: .sortedKeys))
        try put("http://\(host)/v2/\(name)/manifests/\(tag)", manifest, type)
        return "sha256:\(ArchiveWriter.digest(manifest))"
    }

    /// Changes a blob behind the registry's back.
    func spoil(_ digest: String) throws {
        let file = blobs.appending("\(digest.prefix(2))/\(digest)/data")
        var bytes = Array(try Data(contentsOf: URL(filePath: file.string)))
        bytes[20] ^= 1
        try Data(bytes).write(to: URL(filePath: file.string))
    }

    private func blob(_ name: String, _ bytes: [UInt8], _ type: String) throws -> [String: Any] {
        let digest = "sha256:\(ArchiveWriter.digest(bytes))"
        let answer = try curl(["-i", "-X", "POST", "http://\(host)/v2/\(name)/blobs/uploads/"])
        let header = answer.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("location:") }
        let location = try #require(header).dropFirst("location:".count).trimmingCharacters(in: .whitespaces)
        try put("\(location)&digest=\(digest)", bytes, "application/octet-stream")
        return ["mediaType": type, "digest": digest, "size": bytes.count]
    }

    private func put(_ url: String, _ bytes: [UInt8], _ type: String) throws {
        let file = try scratch.file(bytes)
        try curl(["--fail", "-X", "PUT", "-H", "Content-Type: \(type)", "--data-binary", "@\(file)", url])
    }

    @discardableResult
    private func curl(_ arguments: [String]) throws -> String {
        try scratch.run("curl", ["-sS", "--noproxy", "*", "--max-time", "20"] + arguments)
    }
}

private enum TokenRegistry {
    private static let source = """
        import http.server, json, os, sys
        root = sys.argv[1]
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments): pass
            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items(): self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def do_GET(self):
                token = self.headers.get("Authorization")
                here = "http://" + self.headers["Host"]
                if self.path.startswith("/token?"):
                    fits = "service=registry" in self.path and "scope=repository:team/app:pull" in self.path
                    return self.answer(200 if fits else 400, json.dumps({"token": "secret"}).encode())
                if self.path.startswith("/store/"):
                    if token or not self.headers["Host"].startswith("localhost"): return self.answer(400)
                    return self.answer(200, open(os.path.join(root, os.path.basename(self.path)), "rb").read())
                if token != "Bearer secret":
                    return self.answer(401, WWW_Authenticate='Bearer realm="%s/token",service="registry",'
                        'scope="repository:team/app:pull"' % here)
                name = self.path.split("/")[-1].replace("sha256:", "")
                if "/blobs/" in self.path:
                    port = self.headers["Host"].split(":")[1]
                    return self.answer(307, Location="http://localhost:%s/store/%s" % (port, name))
                self.answer(200, open(os.path.join(root, name), "rb").read())
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """

    static func run(in scratch: Scratch, _ image: ArchiveWriter, _ body: (String) async throws -> Void) async throws {
        try store(image, in: scratch)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", source, scratch.path.string]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
        }
        let port = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        try await body("127.0.0.1:\(port.trimmingCharacters(in: .whitespacesAndNewlines))")
    }

    private static func store(_ image: ArchiveWriter, in scratch: Scratch) throws {
        func blob(_ bytes: [UInt8], _ more: [String: Any] = [:]) throws -> [String: Any] {
            _ = try scratch.file(bytes, ArchiveWriter.digest(bytes))
            return more.merging(["digest": "sha256:\(ArchiveWriter.digest(bytes))", "size": bytes.count]) { $1 }
        }
        func json(_ value: [String: Any]) throws -> [UInt8] {
            Array(try JSONSerialization.data(withJSONObject: value, options: .sortedKeys))
        }
        let layers = try image.stored.map { try blob($0) }
        let manifest = try json(["schemaVersion": 2, "config": try blob(try image.configuration), "layers": layers])
        let other = try json(["schemaVersion": 2, "config": try blob(Array("{}".utf8)), "layers": []])
        let index = try json([
            "schemaVersion": 2,
            "manifests": [
                try blob(other, ["platform": ["os": "linux", "architecture": "arm64"]]),
                try blob(manifest, ["platform": ["os": "linux", "architecture": "amd64"]]),
                [
                    "digest": "sha256:\(String(repeating: "e", count: 64))", "size": 1,
                    "platform": ["os": "unknown", "architecture": "unknown"],
                ],
            ],
        ])
        _ = try scratch.file(index, "latest")
    }
}
