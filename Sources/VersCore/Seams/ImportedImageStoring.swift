public import SystemPackage
public import VersAPI

/// The records of images that organisations had made. A call is one transaction.
public protocol ImportedImageRecording: Sendable {
    /// Of every organisation.
    func importedImages() async throws -> [ImportedImage]
    /// The newest first.
    func importedImages(of organisation: OrganisationID) async throws -> [ImportedImage]
    func importedImage(_ id: BaseImageID) async throws -> ImportedImage?
    func importedImage(named name: String, of organisation: OrganisationID) async throws -> ImportedImage?
    /// Records a new image. One that failed under the same name makes room.
    /// - Returns: the id of that one.
    /// - Throws: `.alreadyExists` when the organisation has an image of that name.
    func insert(_ image: ImportedImage) async throws -> BaseImageID?
    /// - Throws: `.notFound`.
    @discardableResult
    func update(
        _ id: BaseImageID,
        _ change: @Sendable @escaping (inout ImportedImage) -> Void
    ) async throws -> ImportedImage
    /// Does nothing when there is none.
    func remove(_ id: BaseImageID) async throws
}

/// The directories of such images.
public protocol ImportedImageFiling: Sendable {
    /// Makes the directory of a new image, and in it the file for an archive that is received.
    func receiveArchive(for id: BaseImageID) async throws -> any ImageArchiveReceiving
    func archive(of id: BaseImageID) -> FilePath
    /// A directory for a build, new every time: whatever an earlier daemon has left running finds nothing of it. Of the
    /// image's own directory only the archive stays.
    func prepare(_ id: BaseImageID) async throws -> FilePath
    /// Completes what a build has made in `directory` with the kernel and the initramfs of `base`. When the call returns,
    /// the image is on stable storage; a crash before leaves a directory that is no image.
    func install(
        _ id: BaseImageID,
        name: String,
        built: BuiltImage,
        in directory: FilePath,
        base: BaseImage
    ) async throws
    /// The size of the disk in MiB, when the image is complete. What is not needed any more goes.
    func completed(_ id: BaseImageID) async throws -> Int?
    /// Removes the directory with everything in it. Does nothing when there is none.
    func remove(_ id: BaseImageID) async throws
    /// Every directory there is.
    func all() async throws -> [BaseImageID]
}

/// A file that grows with what a client sends.
public protocol ImageArchiveReceiving: Sendable {
    func write(_ bytes: [UInt8]) async throws
    /// Returns when everything is on stable storage.
    func finish() async throws
}
