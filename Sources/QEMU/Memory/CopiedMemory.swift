internal import Glibc
internal import HostSystem
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// Guest memory in a file that QEMU maps shared, and that this process reads and writes while the guest does not run.
final class CopiedMemory: GuestMemory {
    /// A stopped guest posts no buffers, so that what the agent's socket can bring in ends soon.
    private static let attempts = 4

    private let file: MemoryFile
    private let process: ProcessHandle
    private let processLeash: ProcessLeash?
    private let copied = Mutex<MemoryLayerReport?>(nil)

    private init(file: MemoryFile, process: ProcessHandle, leash: ProcessLeash?) {
        self.file = file
        self.process = process
        processLeash = leash
    }

    /// Holds the devices' state a second time, for a moment.
    static func check(of request: FreezeRequest) -> FilePath { FilePath("\(request.deviceState).check") }

    /// Holds on to the file, whatever its directory is called later.
    /// - Parameter leash: of a process that waits.
    static func open(_ path: FilePath, of process: ProcessHandle, leash: ProcessLeash?) async throws -> CopiedMemory {
        let file = try await BlockingPool.run { try MemoryFile(opening: path) }
        return CopiedMemory(file: file, process: process, leash: leash)
    }

    func status() async throws -> MemoryStatus {
        let file = file
        let bytes = try await BlockingPool.run { try file.sizeInBytes() }
        return MemoryStatus(bytes: UInt64(bytes), layersMapped: false, mark: nil, isPending: false)
    }

    func mergesLayers() async throws -> Bool { false }

    func leash() async throws {
        guard let processLeash else { throw VersError(.internal, "process \(process.pid) was started without a leash") }
        try processLeash.fasten(to: process)
    }

    func map(_ layers: [FilePath], timeout: Duration) async throws {
        let file = file
        for layer in layers { try await BlockingPool.run { try file.write(layer: layer) } }
        try processLeash?.release()
    }

    func rehearse(_ layers: [FilePath], timeout: Duration) async throws {
        throw VersError(.unsupported, "a machine whose memory is copied does not rehearse")
    }

    func takeBack(_ layers: [FilePath], timeout: Duration, opening open: (FilePath) async throws -> Void) async throws {
        throw VersError(.unsupported, "a machine whose memory is copied is not taken back")
    }

    func mapAhead(_ layers: [FilePath], timeout: Duration) async throws {
        throw VersError(.unsupported, "a machine whose memory is copied is not taken back")
    }

    func rewind(to deviceState: FilePath, timeout: Duration, loading load: () async throws -> Void) async throws {
        throw VersError(.unsupported, "a machine whose memory is copied is not taken back")
    }

    func arm(_ request: FreezeRequest, timeout: Duration) async throws -> MemoryAheadReport? {
        guard request.delta == .everything else {
            throw VersError(.internal, "memory that is copied knows no changes: expected a layer of everything")
        }
        return nil
    }

    /// While the guest stands still, QEMU goes on taking in what is sent to the agent's socket. The state of that device
    /// before and after tells whether it did; then memory is copied again.
    func freeze(
        _ request: FreezeRequest,
        timeout: Duration,
        saving save: (FilePath) async throws -> Void
    ) async throws -> Duration {
        let (file, layer, state) = (file, request.memoryLayer, request.deviceState)
        let check = Self.check(of: request)
        defer { unlink(check.string) }
        var spent = Duration.zero
        try await save(state)
        for _ in 0..<Self.attempts {
            let report = try await BlockingPool.run { try file.copy(to: layer) }
            spent += report.duration
            try await save(check)
            if try await BlockingPool.run({ try DeviceState.agree(state, check, on: QEMUCommandLine.guestPortSection) })
            {
                copied.withLock { $0 = report }
                return spent
            }
            try await BlockingPool.run {
                guard rename(check.string, state.string) == 0 else {
                    throw HostError("rename to", state, errno: Errno(rawValue: errno))
                }
            }
        }
        throw VersError(
            .unavailable,
            "the machine cannot be frozen: something was sent to its agent each of \(Self.attempts) times",
            hint: "try again"
        )
    }

    func copy(to layer: FilePath, timeout: Duration) async throws -> MemoryLayerReport {
        guard let report = copied.withLock({ $0 }) else { throw VersError(.internal, "nothing was frozen") }
        return report
    }

    func keep(_ mark: CommitID, timeout: Duration) async throws {}

    func close() async {}
}
