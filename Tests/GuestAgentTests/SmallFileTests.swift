import Glibc
import Testing

@testable import GuestAgent

@Suite struct SmallFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/vers-small-file.XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["file", "other", "file.vers"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        try body(directory)
    }

    private func status(_ path: String) -> stat {
        var status = stat()
        stat(path, &status)
        return status
    }

    @Test(arguments: ["second", "longer than before", "", String(repeating: "x", count: 5000)])
    func aFileIsReplaced(content: String) throws {
        try withDirectory { directory in
            let path = "\(directory)/file"
            try SmallFile.replace(path, with: "first.", mode: 0o600)
            try SmallFile.replace(path, with: content, mode: 0o600)
            #expect(SmallFile.readText(path) == content)
            #expect(status(path).st_mode == S_IFREG | 0o600)
        }
    }

    @Test func contentOfTheSameLengthGoesIntoTheSameFile() throws {
        try withDirectory { directory in
            let path = "\(directory)/file"
            try SmallFile.replace(path, with: "first.", mode: 0o644)
            let inode = status(path).st_ino
            try SmallFile.replace(path, with: "second", mode: 0o644)
            #expect(SmallFile.readText(path) == "second")
            #expect(status(path).st_ino == inode)
        }
    }

    @Test func aLinkIsReplacedAndItsTargetStays() throws {
        try withDirectory { directory in
            let (path, other) = ("\(directory)/file", "\(directory)/other")
            try SmallFile.replace(other, with: "first.", mode: 0o644)
            symlink(other, path)
            try SmallFile.replace(path, with: "second", mode: 0o644)
            #expect(SmallFile.readText(path) == "second")
            #expect(SmallFile.readText(other) == "first.")
        }
    }

    @Test func aSecondNameOfTheFileKeepsTheOldContent() throws {
        try withDirectory { directory in
            let (path, other) = ("\(directory)/file", "\(directory)/other")
            try SmallFile.replace(path, with: "first.", mode: 0o644)
            link(path, other)
            try SmallFile.replace(path, with: "second", mode: 0o644)
            #expect(SmallFile.readText(other) == "first.")
        }
    }

    @Test func aWiderModeIsNarrowed() throws {
        try withDirectory { directory in
            let path = "\(directory)/file"
            try SmallFile.replace(path, with: "first.", mode: 0o644)
            try SmallFile.replace(path, with: "second", mode: 0o600)
            #expect(SmallFile.readText(path) == "second")
            #expect(status(path).st_mode == S_IFREG | 0o600)
        }
    }
}
