import Testing
import VersAPI

@testable import VersCommands

@Suite struct CopyRequestTests {
    private func read(_ words: String..., existing: Set<String> = []) throws -> CopyRequest {
        try CopyRequest(words, exists: existing.contains)
    }

    @Test func `a side with a VM before its colon is the VM's`() throws {
        let download = try read("web:/var/log/x", ".")
        #expect(download.direction == .download && download.machine == "web")
        #expect(download.remote == "/var/log/x" && download.local == ".")
        let upload = try read("app", "web:")
        #expect(upload.direction == .upload && upload.local == "app" && upload.remote == ".")
        #expect(try read("./a:b", "/srv/x").local == "./a:b")
        #expect(try read("dir/a:b", "/srv/x").machine == nil)
        #expect(throws: VersError.self) { try read("a:/x", "b:/y") }
    }

    @Test func `of two paths the absolute one is the VM's`() throws {
        #expect(try read("app.py", "/root/app.py").direction == .upload)
        #expect(try read("/root/app.py", "app.py").direction == .download)
        #expect(try read("web", "/root/app.py", "app.py").machine == "web")
    }

    @Test func `when that does not tell them apart, what exists here is sent`() throws {
        #expect(try read("/tmp/a", "/root/a", existing: ["/tmp/a"]).direction == .upload)
        #expect(try read("/tmp/a", "/root/a").direction == .download)
        #expect(try read("a", "b", existing: ["a"]).direction == .upload)
        #expect(try read("a", "b").direction == .download)
    }

    @Test func `a dash is a stream of this process`() throws {
        let upload = try read("web", "-", "/root/x")
        #expect(upload.direction == .upload && upload.usesStandardStream && upload.remote == "/root/x")
        let download = try read("web:/root/x", "-")
        #expect(download.direction == .download && download.usesStandardStream)
    }

    @Test(arguments: [[], ["a"], ["a", ""], ["a", "b", "c", "d"]])
    func `anything else is refused`(words: [String]) {
        #expect(throws: VersError.self) { try CopyRequest(words) { _ in true } }
    }

    @Test func `what a VM says of its files is checked`() throws {
        #expect(try RemoteObject("directory") == .directory)
        let file = RemoteFile(key: "10-5", size: 10, mode: 0o4755, time: 5, start: 3)
        #expect(try RemoteObject("file 10-5 10 4755 5 3") == .file(file))
        for line in [
            "", "file", "file 10-5 10 644 5 11", "file 10-5 -1 644 5 0", "file ../x 10 644 5 0", "directory x",
        ] {
            #expect(throws: VersError.self) { try RemoteObject(line) }
        }
    }

    @Test func `progress says how much and how fast`() {
        let state = (name: "x", done: Int64(3 << 20), total: Int64?(6 << 20), kept: Int64(1 << 20))
        #expect(CopyProgress.line(state, seconds: 2) == "x  3.0 MiB of 6.0 MiB  1.0 MiB/s")
    }
}
