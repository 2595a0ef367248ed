internal import SystemPackage
internal import VersAPI
internal import VersCore

/// Which way of holding guest memory the configuration asks for.
public enum MemoryPreference: String, Sendable, CaseIterable {
    /// In layers where the memory library can be loaded into QEMU.
    case automatic
    /// The kernel tells which pages were written, if it can.
    case layers
    /// In layers, and a freeze forks, as it does where the kernel does not tell.
    case forks
    case copy
}

/// How a machine's guest memory is held, for the life of its process. Commits are the same either way.
public enum MemoryMode: String, Sendable, Hashable {
    /// By the memory library in QEMU: layers are shared with other machines, and a freeze is a fork.
    case layers
    /// In a file of the machine's own: a restore copies all layers into it, and a freeze copies it within the pause.
    case copy
}

/// The memory of one machine's guest, for the time of one operation. Ended by ``close()``.
protocol GuestMemory: Sendable {
    func status() async throws -> MemoryStatus

    /// Whether a new layer can take the place of all but the first.
    func mergesLayers() async throws -> Bool

    /// Has the process end with this connection until memory is mapped, where that is possible.
    func leash() async throws

    /// Gives the guest the memory of saved layers, the oldest first. Once, before it runs.
    func map(_ layers: [FilePath], timeout: Duration) async throws

    /// As ``map(_:timeout:)``, for a guest that runs until it is taken back; the leash stays.
    func rehearse(_ layers: [FilePath], timeout: Duration) async throws

    /// Makes a machine that has rehearsed `layers`, and stands still, what it was before it ran.
    /// - Parameter open: has QEMU open a file, which fails.
    func takeBack(_ layers: [FilePath], timeout: Duration, opening open: (FilePath) async throws -> Void) async throws

    /// Gives a machine that was taken back the memory of saved layers, ahead of ``rewind(to:timeout:loading:)``.
    func mapAhead(_ layers: [FilePath], timeout: Duration) async throws

    /// Ends the leash of a machine that was taken back and has its memory, when `load` has had QEMU load the devices' state.
    func rewind(to deviceState: FilePath, timeout: Duration, loading load: () async throws -> Void) async throws

    /// What can be done about a freeze before the pause: the layer's file is there by now, if the machine cannot make it.
    /// - Returns: what was written of the layer, where that is done while the guest runs.
    func arm(_ request: FreezeRequest, timeout: Duration) async throws -> MemoryAheadReport?

    /// Within the pause: has the devices saved, and freezes memory as it was at that moment.
    /// - Parameter save: writes the devices' state to a file.
    /// - Returns: how long memory itself took.
    func freeze(
        _ request: FreezeRequest,
        timeout: Duration,
        saving save: (FilePath) async throws -> Void
    ) async throws -> Duration

    /// Writes what was frozen as a layer.
    func copy(to layer: FilePath, timeout: Duration) async throws -> MemoryLayerReport

    /// Makes what was frozen the mark of the next layer, where there are marks.
    func keep(_ mark: CommitID, timeout: Duration) async throws

    /// Idempotent. Gives up what was frozen and not kept.
    func close() async
}

extension FreezeRequest {
    var deviceState: FilePath { directory.appending(LayerFile.deviceState.rawValue) }
    var memoryLayer: FilePath { directory.appending(LayerFile.memory.rawValue) }
    /// What the machine writes beside its disk.
    var outputs: [FilePath] { [deviceState, memoryLayer] }
}
