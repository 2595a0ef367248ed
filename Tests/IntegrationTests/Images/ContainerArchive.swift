import Foundation
import SystemPackage
import VersAPI

/// Container images made of the host's busybox, as archives.
struct ContainerArchive {
    let directory: FilePath

    /// Python's tar and digests; arguments: the busybox, the target, `docker` or `oci`, the image's configuration, in
    /// which `Init` stands for busybox as an init with something to start.
    private static let source = """
        import gzip, hashlib, io, json, sys, tarfile
        busybox, target, kind, config = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
        def layer(files):
            data = io.BytesIO()
            with tarfile.open(fileobj=data, mode="w") as tar:
                for name, mode, owner, content in files:
                    info = tarfile.TarInfo(name)
                    info.mode, info.uid, info.gid = mode, owner, owner
                    if content is None: info.type = tarfile.DIRTYPE
                    elif isinstance(content, str): info.type, info.linkname = tarfile.SYMTYPE, content
                    else: info.size = len(content)
                    tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
            return data.getvalue()
        program = open(busybox, "rb").read()
        tools = ["sh", "cat", "echo", "id", "pwd", "sleep", "ls", "ps", "kill", "grep", "env", "trap"]
        base = [("bin/busybox", 0o755, 0, program)] + [("bin/" + tool, 0o777, 0, "busybox") for tool in tools]
        base += [("etc/passwd", 0o644, 0, b"root:x:0:0::/root:/bin/sh\\napp:x:1000:1000::/data:/bin/sh\\n"),
                 ("etc/secret", 0o644, 0, b"of the base"), ("data", 0o700, 1000, None)]
        if config.pop("Init", False):
            base += [("sbin/init", 0o777, 0, "../bin/busybox"), ("etc/inittab", 0o644, 0, b"::sysinit:/etc/init.d/rcS\\n"),
                     ("etc/init.d/rcS", 0o755, 0, b"#!/bin/sh\\necho $GREETING >/greeting\\n")]
        layers = [layer(base), layer([("etc/.wh.secret", 0o644, 0, b""), ("data/own", 0o600, 1000, b"kept")])]
        digest = lambda data: hashlib.sha256(data).hexdigest()
        configuration = json.dumps({"architecture": "amd64", "os": "linux", "config": config, "rootfs": {
            "type": "layers", "diff_ids": ["sha256:" + digest(data) for data in layers]}}).encode()
        with tarfile.open(target, "w:gz" if kind == "docker" else "w") as tar:
            def add(name, data):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            if kind == "docker":
                for data in layers: add(digest(data) + "/layer.tar", data)
                add(digest(configuration) + ".json", configuration)
                add("manifest.json", json.dumps([{"Config": digest(configuration) + ".json", "RepoTags": ["app:1"],
                    "Layers": [digest(data) + "/layer.tar" for data in layers]}]).encode())
            else:
                def blob(data, kind):
                    add("blobs/sha256/" + digest(data), data)
                    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest(data),
                            "size": len(data)}
                manifest = json.dumps({"schemaVersion": 2, "config": blob(configuration, "config.v1+json"), "layers": [
                    blob(gzip.compress(data, 1), "layer.v1.tar+gzip") for data in layers]}).encode()
                add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
                add("index.json", json.dumps({"schemaVersion": 2, "manifests": [
                    blob(manifest, "manifest.v1+json")]}).encode())
        """

    enum Kind: String {
        /// Gzip over everything.
        case docker
        /// Gzip in every layer.
        case oci
    }

    func write(_ name: String, _ kind: Kind, _ configuration: String) async throws -> FilePath {
        let target = directory.appending(name)
        let program = try RunningProgram(
            "/usr/bin/python3",
            ["-c", Self.source, "/bin/busybox", target.string, kind.rawValue, configuration],
            environment: ["PATH": "/usr/bin:/bin"],
            directory: directory
        )
        defer { program.forget() }
        let result = try await program.result(within: .seconds(60))
        guard result.status == 0 else { throw TestFailure("python3: \(result)") }
        return target
    }
}
