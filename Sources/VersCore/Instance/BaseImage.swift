public import Foundation
public import SystemPackage

/// An installed base image: a kernel, an initramfs with the agent, and a root disk. Immutable.
public struct BaseImage: Sendable, Hashable {
    public var name: String
    public var build: String
    public var kernel: FilePath
    public var initramfs: FilePath
    public var disk: FilePath
    public var diskMiB: Int
    /// Whether the agent has a command of the image to run, which has no init.
    public var hasWorkload: Bool
    public var createdAt: Date?

    public init(
        name: String,
        build: String,
        kernel: FilePath,
        initramfs: FilePath,
        disk: FilePath,
        diskMiB: Int,
        hasWorkload: Bool = false,
        createdAt: Date? = nil
    ) {
        self.name = name
        self.build = build
        self.kernel = kernel
        self.initramfs = initramfs
        self.disk = disk
        self.diskMiB = diskMiB
        self.hasWorkload = hasWorkload
        self.createdAt = createdAt
    }
}
