internal import HostSystem
internal import Logging
internal import NIOCore
internal import QMP
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

extension QEMUPreparedFreeze {
    /// The pause. On failure the vCPUs run again if they did, and the disk is as it was.
    func freeze(leavePaused: Bool) async throws -> QEMUFrozenState {
        if let reason = machine.qemu.events.haltReason {
            throw VersError(.conflict, "the machine cannot be branched: \(reason)")
        }
        let wasRunning = try await monitor.execute(QueryStatus(), timeout: timeouts.command).running
        var watch = StepWatch()
        let switched: Bool
        do {
            let stopped = wasRunning ? try monitor.submit(Stop(), timeout: timeouts.flush) : nil
            switched = try await saveState(after: stopped, &watch)
        } catch {
            // The error that matters is already on its way; a machine that cannot go on reports it by an event.
            if wasRunning { _ = try? await monitor.execute(Continue(), timeout: timeouts.command) }
            throw error
        }
        if wasRunning && !leavePaused {
            _ = try await monitor.execute(Continue(), timeout: timeouts.command)
            watch.lap("cont")
        }
        let pause = watch.total
        await settleDisk(switched: switched)
        await machine.takeBack(request.deviceState)
        let report = FreezeReport(
            pause: pause,
            steps: watch.steps,
            diskSwitched: switched,
            activeDisk: switched ? disk.overlay : disk.below,
            ahead: ahead
        )
        return QEMUFrozenState(
            machine,
            memory: memory,
            layer: request.memoryLayer,
            mark: request.mark,
            report: report
        )
    }

    /// - Parameter stop: that of the vCPUs, on its way. While QEMU does it, it reads what comes next.
    /// - Returns: whether the disk was switched.
    private func saveState(after stop: QMPAnswer<Stop>?, _ watch: inout StepWatch) async throws -> Bool {
        var (pending, stopped) = (stop, watch)
        let spent = try await memory.freeze(request, timeout: timeouts.flush) { file in
            let saved = try self.monitor.submit(
                XenSaveDevicesState(filename: file.string),
                timeout: self.timeouts.flush
            )
            if let stop = pending {
                try await stop.get()
                stopped.lap("stop")
                pending = nil
            }
            try await saved.get()
        }
        watch = stopped
        watch.lap("memory", "device state", first: spent)
        // One look at the file's length; QEMU has written its metadata back when it stopped.
        if request.reusesUnchangedDisk, try DiskFiles.isPristine(disk.below) { return false }
        let node = DiskLayer(file: disk.below).nodeName
        _ = try await monitor.execute(
            BlockdevSnapshot(node: node, overlay: DiskLayer(file: disk.overlay).nodeName),
            timeout: timeouts.flush
        )
        machine.state.withLock { $0.activeDisk = disk.overlay }
        watch.lap("disk")
        return true
    }

    /// After the pause: the old disk lives on under the commit's name only, or the new overlay is not needed.
    private func settleDisk(switched: Bool) async {
        guard switched else {
            await removeOverlay()
            return
        }
        await machine.takeBack(disk.committed)
        let old = disk.below
        // A second name of the commit's disk is harmless and goes with the machine's directory.
        try? await BlockingPool.run { try HostFile.remove(old) }
    }
}

extension QEMUVirtualMachine {
    /// Takes away from the machine what it has written of a commit. What cannot be taken now is when it is opened next.
    func takeBack(_ file: FilePath) async {
        guard let confinement = qemu.configuration.machineConfinement else { return }
        do {
            try await BlockingPool.run { try confinement.takeBack(file) }
        } catch {
            qemu.logger.warning("layer stays the machine's", metadata: ["file": "\(file)", "error": "\(error)"])
        }
    }
}

/// Measures the parts of a pause.
struct StepWatch: Sendable {
    private let start = ContinuousClock.now
    private var last = ContinuousClock.now
    private(set) var steps: [FreezeStep] = []

    /// Ends a step that began where the one before ended.
    mutating func lap(_ name: String) {
        let now = ContinuousClock.now
        steps.append(FreezeStep(name: name, duration: now - last))
        last = now
    }

    /// Ends two steps that cannot be told apart from outside, of which the first took `first`.
    mutating func lap(_ firstName: String, _ secondName: String, first: Duration) {
        let now = ContinuousClock.now
        steps.append(FreezeStep(name: firstName, duration: first))
        steps.append(FreezeStep(name: secondName, duration: now - last - first))
        last = now
    }

    /// From the beginning to the end of the latest step.
    var total: Duration { last - start }
}
