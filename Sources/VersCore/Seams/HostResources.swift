import VersAPI

/// What the host has to give.
public protocol HostResources: Sendable {
    /// Bytes that new memory can take without swapping (`MemAvailable`), in MiB.
    func availableMemoryMiB() async throws -> Int
    /// Installed memory in MiB.
    func totalMemoryMiB() async throws -> Int
    /// Free space where the instance lives, in MiB.
    func availableDiskMiB() async throws -> Int
    func processorCount() -> Int
}

/// Base images that are installed in the instance.
public protocol ImageStoring: Sendable {
    /// The newest build of the image of that name.
    /// - Throws: `.notFound` with how to make one, `.invalidArgument` for a malformed name.
    func image(named name: String) async throws -> BaseImage
    /// The newest builds of all that are installed for everybody, by name.
    func installed() async throws -> [BaseImage]
    /// A particular build, however old, also of an image that an organisation had made.
    /// - Throws: `.internal` when it is missing: whoever asks for a build has something that rests on it.
    func image(named name: String, build: String) async throws -> BaseImage
}

/// Keys, hashes and random numbers.
public protocol KeyMaterialProviding: Sendable {
    func randomBytes(_ count: Int) throws -> [UInt8]
    func sha256(_ bytes: [UInt8]) -> [UInt8]
    /// Encrypts and authenticates `bytes` with a key of 32 bytes.
    func seal(_ bytes: [UInt8], key: [UInt8]) throws -> [UInt8]
    /// What ``seal(_:key:)`` has sealed; nil when the key is another, or the box was changed.
    func open(_ box: [UInt8], key: [UInt8]) throws -> [UInt8]?
    /// New ed25519 keys. `comment` ends the public line.
    func machineCredentials(comment: String) throws -> MachineCredentials
}
