import Glibc
import SystemPackage
import Testing

@testable import HostSystem

@Suite("directory entries")
struct DirectoryEntriesTests {
    @Test("a name is read in place: nothing behind an entry is touched")
    func shortEntry() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let memory = mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let start = try #require(memory)
        defer { munmap(start, 2 * page) }
        try #require(start != MAP_FAILED)
        // Whoever reads on from the entry, which ends with the first page, is ended by a fault.
        try #require(mprotect(start + page, page, PROT_NONE) == 0)
        let field = try #require(MemoryLayout<dirent>.offset(of: \.d_name))
        let length = (field + "name".utf8.count + 1 + 7) / 8 * 8
        let entry = start + page - length
        (entry + field).copyMemory(from: "name", byteCount: 5)
        #expect(
            DirectoryEntries.name(of: UnsafePointer(entry.assumingMemoryBound(to: dirent.self))) == Array("name".utf8)
        )
    }

    @Test("the longest names, and those that are no text, come as the kernel has them")
    func names() async throws {
        try await withDirectory { directory in
            let names = [[UInt8](repeating: UInt8(ascii: "n"), count: 255), [0xFF, 0xC3], Array("...".utf8)]
            for name in names {
                let path = Array(directory.string.utf8) + [UInt8(ascii: "/")] + name + [0]
                let file = open(path.map { CChar(bitPattern: $0) }, O_CREAT | O_WRONLY, 0o600)
                try #require(file >= 0)
                close(file)
            }
            #expect(Set(try DirectoryEntries.names(in: directory)) == Set(names))
            #expect(throws: HostError.self) { try DirectoryEntries.names(in: directory.appending("none")) }
        }
    }
}
