import Foundation
import Glibc
import HostSystem
import SystemPackage
public import VersAPI
public import VersCore

/// The directories of VMs, `vms/<id>/`.
public struct MachineDirectories: MachineFileStoring {
    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    public func create(_ id: MachineID) async throws { try await make(layout.directory(of: id)) }

    public func createStandby(_ id: MachineID) async throws { try await make(layout.standbyDirectory(of: id)) }

    public func adoptStandby(_ id: MachineID) async throws {
        let directory = layout.directory(of: id)
        let standby = layout.standbyDirectory(of: id)
        try await onDisk("make the directory of vm \(id)") {
            // Only an empty directory is replaced by a rename.
            guard rename(standby.string, directory.string) == 0 else { throw Self.failure("rename", directory) }
        }
    }

    public func remove(_ id: MachineID) async throws { try await remove(layout.directory(of: id)) }

    public func removeStandby(_ id: MachineID) async throws { try await remove(layout.standbyDirectory(of: id)) }

    private func make(_ directory: FilePath) async throws {
        try await onDisk("make a directory") {
            guard mkdir(directory.string, 0o700) == 0 else { throw Self.failure("mkdir", directory) }
        }
    }

    private func remove(_ directory: FilePath) async throws {
        try await onDisk("remove a directory") {
            guard access(directory.string, F_OK) == 0 else { return }
            try FileManager.default.removeItem(atPath: directory.string)
        }
    }

    private static func failure(_ call: String, _ directory: FilePath) -> any Error {
        let error = Errno(rawValue: errno)
        if error == .fileExists || error == .directoryNotEmpty {
            return VersError(.internal, "directory '\(directory)' exists already")
        }
        return HostError(call, directory, errno: error)
    }

    public func flushDisk(named name: String, of id: MachineID) async throws {
        let layout = layout
        try await onDisk("flush the disk of vm \(id)") {
            let directory = layout.directory(of: id)
            try DurableFile.sync(file: directory.appending(name))
            try DurableFile.syncDirectory(directory)
            try DurableFile.syncDirectory(layout.machines)
        }
    }

    public func removeDisk(named name: String, of id: MachineID) async throws {
        let path = layout.directory(of: id).appending(name)
        try await onDisk("remove a disk of vm \(id)") {
            guard unlink(path.string) == 0 || errno == ENOENT else {
                throw HostError("unlink", path, errno: Errno(rawValue: errno))
            }
        }
    }

    public func all() async throws -> [MachineID] { try await ids(in: layout.machines) }

    public func standbys() async throws -> [MachineID] { try await ids(in: layout.standbys) }

    private func ids(in directory: FilePath) async throws -> [MachineID] {
        try await BlockingPool.run {
            try FileManager.default.contentsOfDirectory(atPath: directory.string).compactMap(MachineID.init)
        }
    }

    public func console(of id: MachineID, offset: UInt64, limit: Int) async throws -> ConsoleChunk {
        let paths = layout.consoles(of: id)
        return try await BlockingPool.run {
            var opened: FileDescriptor?
            for path in paths where opened == nil { opened = try MachineLogs.open(path, .readOnly) }
            guard let file = opened else { return ConsoleChunk(bytes: [], nextOffset: 0) }
            defer { try? file.close() }
            return try ConsoleChunk(of: file, offset: offset, limit: limit)
        }
    }

    public func followConsole(of id: MachineID, offset: UInt64) async throws -> any ConsoleFollowing {
        try await ConsoleFollower(of: id, layout: layout, offset: offset)
    }
}

extension ConsoleChunk {
    /// What a console's file has from `offset` on. A log that was begun anew, and is shorter, is read from its start.
    init(of file: FileDescriptor, offset: UInt64, limit: Int) throws {
        let size = UInt64(try file.seek(offset: 0, from: .end))
        let start = offset > size ? 0 : offset
        var bytes = [UInt8](repeating: 0, count: Int(min(UInt64(limit), size - start)))
        let count = try bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: Int64(start), into: $0) }
        bytes.removeLast(bytes.count - count)
        self.init(bytes: bytes, nextOffset: start + UInt64(count))
    }
}
