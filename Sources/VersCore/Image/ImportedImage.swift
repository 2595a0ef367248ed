public import Foundation
public import VersAPI

/// Everything that is recorded of an image that an organisation had made. Its files are in the directory of its id.
public struct ImportedImage: Sendable, Equatable, Identifiable {
    public enum Source: Sendable, Equatable, Codable {
        /// An archive in the image's directory.
        case upload
        /// In a registry.
        case reference(String)
    }

    /// How large its disk is to be.
    public enum Size: Sendable, Equatable, Codable {
        case extra(mebibytes: Int)
        case automatic
        case exactly(mebibytes: Int)
    }

    public struct Failure: Sendable, Equatable, Codable {
        public var code: ErrorCode
        public var message: String

        public init(code: ErrorCode, message: String) {
            self.code = code
            self.message = message
        }
    }

    public enum State: String, Sendable, Codable {
        case queued
        case building
        case ready
        case failed
    }

    public let id: BaseImageID
    public let organisationID: OrganisationID
    public let ownerID: KeyID
    /// Unique in the organisation.
    public let name: String
    public let source: Source
    public let size: Size
    public let description: String?
    public let createdAt: Date
    public var state: State
    public var diskMiB: Int?
    /// Why it failed.
    public var failure: Failure?

    public init(
        id: BaseImageID,
        organisationID: OrganisationID,
        ownerID: KeyID,
        name: String,
        source: Source,
        size: Size,
        description: String?,
        createdAt: Date,
        state: State = .queued,
        diskMiB: Int? = nil,
        failure: Failure? = nil
    ) {
        self.id = id
        self.organisationID = organisationID
        self.ownerID = ownerID
        self.name = name
        self.source = source
        self.size = size
        self.description = description
        self.createdAt = createdAt
        self.state = state
        self.diskMiB = diskMiB
        self.failure = failure
    }
}
