import Synchronization
public import VersAPI
public import VersCore
public import VersServer

/// Images at the API's border: records what was asked, takes in uploads, answers with fixed values.
public final class ImageDouble: ImageOperations {
    private struct State {
        var calls: [String] = []
        var received: [Int] = []
        var error: VersError?
        var images: [BaseImageInfo] = []
        var statuses: [ImageStatus] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// What was asked, in order.
    public var recorded: [String] { state.withLock { $0.calls } }
    /// The bytes of each upload that arrived as a whole.
    public var received: [Int] { state.withLock { $0.received } }

    /// The next call throws it.
    public func fail(with error: VersError) { state.withLock { $0.error = error } }

    /// What ``list(limit:offset:for:)`` answers.
    public func have(_ names: [String]) {
        state.withLock { state in
            state.images = names.map { name in
                BaseImageInfo(
                    base_image_id: BaseImageID(),
                    image_name: name,
                    owner_id: DomainDouble.owner,
                    is_public: false,
                    source_type: .docker,
                    size_mib: 300,
                    created_at: DomainDouble.date,
                    description: nil,
                    status: .ready
                )
            }
        }
    }

    /// What the next questions for a status are answered with; `ready` behind the last.
    public func answer(_ statuses: [ImageStatus]) { state.withLock { $0.statuses = statuses } }

    private func record(_ call: String) throws {
        let error = state.withLock { state in
            state.calls.append(call)
            return state.error.take()
        }
        if let error { throw error }
    }

    public func list(limit: Int, offset: Int, for principal: Principal) async throws -> BaseImagePage {
        try record("list \(limit) \(offset)")
        let images = state.withLock { $0.images }
        let page = offset < images.count ? Array(images[offset...].prefix(limit)) : []
        return BaseImagePage(images: page, total: images.count, limit: limit, offset: offset)
    }

    public func create(_ request: ImageCreateRequest, for principal: Principal) async throws -> ImageJobResponse {
        try record("create \(request.image_name) \(request.source.type.rawValue) \(request.source.image_ref ?? "-")")
        return ImageJobResponse(job_id: BaseImageID(), image_name: request.image_name, status: .queued)
    }

    public func upload(
        _ body: any ImageArchiveBody,
        name: String,
        sizeMiB: Int?,
        for principal: Principal
    ) async throws -> ImageJobResponse {
        try record("upload \(name) \(sizeMiB.map(String.init) ?? "-")")
        var count = 0
        try await body.forEachPiece { count += $0.count }
        state.withLock { $0.received.append(count) }
        return ImageJobResponse(job_id: BaseImageID(), image_name: name, status: .queued)
    }

    public func status(ofImageNamed name: String, for principal: Principal) async throws -> ImageStatusResponse {
        try record("status \(name)")
        let status = state.withLock { $0.statuses.isEmpty ? .ready : $0.statuses.removeFirst() }
        return ImageStatusResponse(
            image_name: name,
            status: status,
            size_mib: 64,
            error_message: status == .failed ? "no such image" : nil,
            error_code: status == .failed ? .notFound : nil,
            base_image_id: BaseImageID()
        )
    }

    public func delete(_ id: BaseImageID, for principal: Principal) async throws { try record("delete \(id)") }
}
