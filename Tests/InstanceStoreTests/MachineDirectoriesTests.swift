import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import InstanceStore

struct MachineDirectoriesTests {
    private let instance: TemporaryInstance
    private let directories: MachineDirectories

    init() throws {
        instance = try TemporaryInstance()
        directories = MachineDirectories(layout: instance.layout)
    }

    @Test func `a directory is private, created once, and removed with everything in it`() async throws {
        let id = MachineID()
        try await directories.create(id)
        let path = instance.layout.directory(of: id)
        #expect(try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? Int == 0o700)
        let error = await #expect(throws: VersError.self) { try await directories.create(id) }
        #expect(error?.code == .internal)
        try writeSparse([(0, [1])], size: 1, to: path.appending("disk-0.qcow2"))
        #expect(try await directories.all() == [id])
        try await directories.remove(id)
        try await directories.remove(id)
        #expect(!instance.exists(path))
        #expect(try await directories.all() == [])
    }

    @Test func `a disk is removed by name, and may be gone already`() async throws {
        let id = MachineID()
        try await directories.create(id)
        let disk = instance.layout.directory(of: id).appending("disk-0.qcow2")
        try writeSparse([(0, [1])], size: 1, to: disk)
        try await directories.removeDisk(named: "disk-0.qcow2", of: id)
        #expect(!instance.exists(disk))
        try await directories.removeDisk(named: "disk-0.qcow2", of: id)
    }

    @Test func `the console is read in chunks that join`() async throws {
        let id = MachineID()
        try await directories.create(id)
        let text = Array((0..<1000).map { "line \($0)\n" }.joined().utf8)
        try writeSparse([(0, text)], size: Int64(text.count), to: instance.layout.consoles(of: id)[1])
        var joined: [UInt8] = []
        var offset: UInt64 = 0
        while true {
            let chunk = try await directories.console(of: id, offset: offset, limit: 777)
            #expect(chunk.nextOffset == offset + UInt64(chunk.bytes.count))
            guard !chunk.bytes.isEmpty else { break }
            joined += chunk.bytes
            offset = chunk.nextOffset
        }
        #expect(joined == text)
    }

    @Test func `a console that was cut is read from its start`() async throws {
        let id = MachineID()
        try await directories.create(id)
        try writeSparse([(0, Array("new".utf8))], size: 3, to: instance.layout.consoles(of: id)[1])
        let chunk = try await directories.console(of: id, offset: 500, limit: 100)
        #expect(chunk.bytes == Array("new".utf8))
        #expect(chunk.nextOffset == 3)
    }

    @Test func `a VM without a console has an empty one`() async throws {
        let chunk = try await directories.console(of: MachineID(), offset: 0, limit: 100)
        #expect(chunk.bytes.isEmpty)
        #expect(chunk.nextOffset == 0)
    }
}
