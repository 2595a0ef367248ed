public import Foundation
public import VersAPI
public import VersCore

/// `manifest.json`: what makes a directory a commit. Written last, so that a commit with a manifest is whole.
///
/// It repeats what the database knows of the commit, so that the directory explains itself.
public struct CommitManifest: Codable, Sendable, Equatable {
    public static let fileName = "manifest.json"
    public static let currentFormat = 1

    /// One of the commit's own files.
    public struct File: Codable, Sendable, Equatable {
        public var name: String
        /// Apparent size in bytes, holes included.
        public var size: UInt64
        /// ``LayerDigest`` in hexadecimal.
        public var digest: String
    }

    public var format: Int
    public var id: CommitID
    public var kind: CommitKind
    public var created_at: Date
    public var parent_vm_id: MachineID?
    public var parent_commit_id: CommitID?
    public var hardware: Hardware
    public var disk_mib: Int
    /// Commits whose memory layers are mapped over each other, the oldest first.
    public var memory_layers: [CommitID]
    public var device_state_layer: CommitID?
    /// Commits whose disk layers lie over each other, the oldest first.
    public var disk_layers: [CommitID]
    public var compatibility: HypervisorCompatibility
    public var files: [File]

    init(_ commit: Commit, files: [File]) {
        format = Self.currentFormat
        id = commit.id
        kind = commit.kind
        created_at = commit.createdAt
        parent_vm_id = commit.parentMachineID
        parent_commit_id = commit.parentCommitID
        hardware = commit.hardware
        disk_mib = commit.diskMiB
        memory_layers = commit.memoryLayers
        device_state_layer = commit.deviceStateLayer
        disk_layers = commit.diskLayers
        compatibility = commit.compatibility
        self.files = files
    }
}
