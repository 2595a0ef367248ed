internal import HostSystem
internal import Logging
internal import QMP
internal import Synchronization
internal import SystemPackage
internal import VersAPI

extension QEMUVirtualMachine {
    func growDisk(toMiB sizeMiB: Int) async throws {
        let size = try DiskFiles.bytes(mebibytes: sizeMiB)
        try await describingFailures("grow the disk") {
            try await layers.with(timeout: timeouts.earlierFreeze) {
                let disk = self.state.withLock { $0.activeDisk }
                let present = try await BlockingPool.run { try DiskFiles.sizeInBytes(of: disk) }
                guard size >= present else {
                    throw VersError(
                        .invalidArgument,
                        "invalid disk size \(sizeMiB) MiB: the disk has \(DiskFiles.mebibytes(present)) MiB and cannot shrink"
                    )
                }
                guard size > present else { return }
                _ = try await self.qemu.monitor.execute(
                    BlockResize(nodeName: DiskLayer(file: disk).nodeName, sizeInBytes: size),
                    timeout: self.timeouts.flush
                )
            }
        }
    }

    func flattenDisk(downTo base: FilePath) async throws {
        try await describingFailures("flatten the disk") {
            let job = "flatten"
            // Subscribed before the start: a short job ends before its command is answered.
            let events = qemu.events.subscribe()
            try await startFlattening(job, downTo: base)
            defer { state.withLock { $0.flattening = nil } }
            try await withTaskCancellationHandler {
                try await waitForJob(job, events: events)
            } onCancel: {
                // Owned by the wait above, which ends with the job's last event.
                Task { await self.cancelFlattening() }
            }
        }
    }

    /// Ends a running ``flattenDisk(downTo:)`` early. It fails, and leaves the chain as it was.
    func cancelFlattening() async {
        guard let job = state.withLock({ $0.flattening }) else { return }
        // A job that has just ended is not found any more.
        _ = try? await qemu.monitor.execute(BlockJobCancel(jobID: job), timeout: timeouts.command)
    }

    private func startFlattening(_ job: String, downTo base: FilePath) async throws {
        try await layers.with(timeout: timeouts.earlierFreeze) {
            let disk = self.state.withLock { $0.activeDisk }
            let started = self.state.withLock { state in
                guard state.flattening == nil else { return false }
                state.flattening = job
                return true
            }
            guard started else {
                throw VersError(.unavailable, "the disk is being flattened already", hint: "try again in a moment")
            }
            do {
                let node = try await self.nodeName(of: base)
                let command = BlockStream(
                    jobID: job,
                    device: DiskLayer(file: disk).nodeName,
                    base: node,
                    backingFile: DiskFiles.relativePath(from: disk.removingLastComponent(), to: base).string
                )
                _ = try await self.qemu.monitor.execute(command, timeout: self.timeouts.flush)
            } catch {
                self.state.withLock { $0.flattening = nil }
                throw error
            }
        }
    }

    /// The node that has `file` open, whatever name it was opened by.
    private func nodeName(of file: FilePath) async throws -> String {
        guard let wanted = HostFile.identity(of: file) else {
            throw VersError(.internal, "the disk layer '\(file)' is missing")
        }
        let nodes = try await qemu.monitor.execute(QueryNamedBlockNodes(), timeout: timeouts.command)
        let format = nodes.first { node in
            let path = self.qemu.directory.pushing(FilePath(node.file))
            return HostFile.identity(of: path) == wanted && node.driver != "file"
        }
        guard let name = format?.nodeName else {
            throw VersError(.internal, "'\(file)' is not a layer of the machine's disk")
        }
        return name
    }

    /// Closes and removes what an operation that was cut off has left beside the active disk: an overlay that was prepared,
    /// or the machine's own name of a disk that became a commit's. To be called before anything else is done to the disk.
    func removeUnusedDisks() async {
        do {
            let active = state.withLock { $0.activeDisk }
            let unused = try await BlockingPool.run { try DiskFiles.others(than: active) }
            guard !unused.isEmpty else { return }
            for disk in unused {
                // Refused for a node that the active disk rests on, and for one that is not there.
                _ = try? await qemu.monitor.execute(
                    BlockdevDel(nodeName: DiskLayer(file: disk).nodeName),
                    timeout: timeouts.command
                )
            }
            let nodes = try await qemu.monitor.execute(QueryNamedBlockNodes(), timeout: timeouts.command)
            let open = Set(nodes.compactMap(\.nodeName))
            try await BlockingPool.run {
                let chain = Set(try DiskFiles.chain(of: active).compactMap(HostFile.identity(of:)))
                for disk in unused {
                    let isLayer = HostFile.identity(of: disk).map(chain.contains) ?? false
                    // The next overlay must not get the name of a node that is open.
                    guard isLayer || !open.contains(DiskLayer(file: disk).nodeName) else { continue }
                    try HostFile.remove(disk)
                }
            }
        } catch {
            qemu.logger.warning("unused disks are left", metadata: ["error": "\(error)"])
        }
    }

    private func waitForJob(_ job: String, events: AsyncStream<QMPEvent>) async throws {
        for await event in events where event.data["device"]?.string == job {
            switch event.name {
            case "BLOCK_JOB_COMPLETED":
                guard let reason = event.data["error"]?.string else { return }
                throw VersError(.internal, "flatten the disk: \(reason)")
            case "BLOCK_JOB_CANCELLED": throw VersError(.cancelled, "flattening the disk was interrupted")
            default: continue
            }
        }
        throw VersError(.unavailable, "the machine ended while its disk was being flattened")
    }
}
