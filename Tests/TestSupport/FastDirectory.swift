import Foundation
public import SystemPackage

/// Where tests put stores: in memory where the host has such a directory, because stores flush every change, which disks
/// make slow.
public var fastDirectory: FilePath {
    FileManager.default.isWritableFile(atPath: "/dev/shm")
        ? "/dev/shm" : FilePath(FileManager.default.temporaryDirectory.path)
}
