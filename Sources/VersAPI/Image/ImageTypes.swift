public import Foundation

/// A base image in `GET /images`.
public struct BaseImageInfo: Codable, Sendable, Equatable {
    public var base_image_id: BaseImageID
    public var image_name: String
    public var owner_id: KeyID
    /// Whether everybody may start VMs from it; so it is with those that are installed with the instance.
    public var is_public: Bool
    public var source_type: ImageSourceType
    /// Of its disk; 0 as long as it is not made.
    public var size_mib: Int
    public var created_at: Date
    public var description: String?
    /// Ours: where it stands.
    public var status: ImageStatus

    public init(
        base_image_id: BaseImageID,
        image_name: String,
        owner_id: KeyID,
        is_public: Bool,
        source_type: ImageSourceType,
        size_mib: Int,
        created_at: Date,
        description: String?,
        status: ImageStatus
    ) {
        self.base_image_id = base_image_id
        self.image_name = image_name
        self.owner_id = owner_id
        self.is_public = is_public
        self.source_type = source_type
        self.size_mib = size_mib
        self.created_at = created_at
        self.description = description
        self.status = status
    }
}

/// Where an image came from. Open: a newer server may know more.
public struct ImageSourceType: RawRepresentable, Codable, Hashable, Sendable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// A registry.
    public static let docker = Self(rawValue: "docker")
    public static let upload = Self(rawValue: "upload")
    /// Installed with the instance.
    public static let builtIn = Self(rawValue: "builtin")
    /// Known, and answered with `unsupported`.
    public static let s3 = Self(rawValue: "s3")
}

/// How far an image is. Open: a newer server may say more.
public struct ImageStatus: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    public static let queued = Self(rawValue: "queued")
    /// From the registry.
    public static let fetching = Self(rawValue: "fetching")
    /// Its layers are read.
    public static let unpacking = Self(rawValue: "unpacking")
    /// Its disk is written.
    public static let writing = Self(rawValue: "writing")
    public static let ready = Self(rawValue: "ready")
    public static let failed = Self(rawValue: "failed")

    /// Whether it stays as it is.
    public var isFinal: Bool { self == .ready || self == .failed }
}

/// `GET /images`.
public struct BaseImagePage: Codable, Sendable {
    public static let defaultLimit = 50
    public static let maximumLimit = 100

    public var images: [BaseImageInfo]
    public var total: Int
    public var limit: Int
    public var offset: Int

    public init(images: [BaseImageInfo], total: Int, limit: Int, offset: Int) {
        self.images = images
        self.total = total
        self.limit = limit
        self.offset = offset
    }
}

/// `POST /images/create`.
public struct ImageCreateRequest: Codable, Sendable {
    public static let defaultExtraMiB = 256

    public struct Source: Codable, Sendable {
        public var type: ImageSourceType
        /// Of type `docker`: as docker names an image.
        public var image_ref: String?
        /// Of type `s3`.
        public var bucket: String?
        public var key: String?

        public init(type: ImageSourceType, image_ref: String? = nil, bucket: String? = nil, key: String? = nil) {
            self.type = type
            self.image_ref = image_ref
            self.bucket = bucket
            self.key = key
        }
    }

    public var image_name: String
    public var source: Source
    /// MiB of the disk beyond the content; 0 for none.
    public var size_mib: Int?
    public var description: String?

    public init(image_name: String, source: Source, size_mib: Int? = nil, description: String? = nil) {
        self.image_name = image_name
        self.source = source
        self.size_mib = size_mib
        self.description = description
    }
}

/// `POST /images/upload`: the size of its disk in MiB.
public enum ImageUploadSize {
    public static let minimumMiB = 512
    public static let maximumMiB = 32_768
    /// Of the archive.
    public static let maximumArchiveBytes = Int64(maximumMiB) << 20
}

/// What `POST /images/create` and `POST /images/upload` answer.
public struct ImageJobResponse: Codable, Sendable, Equatable {
    /// The id of the image, too.
    public var job_id: BaseImageID
    public var image_name: String
    public var status: ImageStatus

    public init(job_id: BaseImageID, image_name: String, status: ImageStatus) {
        self.job_id = job_id
        self.image_name = image_name
        self.status = status
    }
}

/// `GET /images/{image_name}/status`.
public struct ImageStatusResponse: Codable, Sendable, Equatable {
    public var image_name: String
    public var status: ImageStatus
    /// 0 as long as its disk is not made.
    public var size_mib: Int
    public var error_message: String?
    /// Ours: the code of that error.
    public var error_code: ErrorCode?
    /// Ours.
    public var base_image_id: BaseImageID

    public init(
        image_name: String,
        status: ImageStatus,
        size_mib: Int,
        error_message: String?,
        error_code: ErrorCode? = nil,
        base_image_id: BaseImageID
    ) {
        self.image_name = image_name
        self.status = status
        self.size_mib = size_mib
        self.error_message = error_message
        self.error_code = error_code
        self.base_image_id = base_image_id
    }
}

/// `DELETE /images/images/{base_image_id}`.
public struct ImageDeleteResponse: Codable, Sendable, Equatable {
    public var base_image_id: BaseImageID
    public var deleted: Bool

    public init(base_image_id: BaseImageID, deleted: Bool) {
        self.base_image_id = base_image_id
        self.deleted = deleted
    }
}

// Optional fields are written as `null`, not left out: clients in languages with fixed records expect the key.

extension BaseImageInfo {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(base_image_id, forKey: .base_image_id)
        try container.encode(image_name, forKey: .image_name)
        try container.encode(owner_id, forKey: .owner_id)
        try container.encode(is_public, forKey: .is_public)
        try container.encode(source_type, forKey: .source_type)
        try container.encode(size_mib, forKey: .size_mib)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(description, forKey: .description)
        try container.encode(status, forKey: .status)
    }
}

extension ImageStatusResponse {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(image_name, forKey: .image_name)
        try container.encode(status, forKey: .status)
        try container.encode(size_mib, forKey: .size_mib)
        try container.encode(error_message, forKey: .error_message)
        try container.encode(error_code, forKey: .error_code)
        try container.encode(base_image_id, forKey: .base_image_id)
    }
}
