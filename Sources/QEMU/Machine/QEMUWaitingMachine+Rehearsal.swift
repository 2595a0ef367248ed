internal import HostSystem
internal import QMP
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// Under emulation, half of the time until a child answers goes into translating the code that its guest runs on the way. A
/// process that waits does that beforehand: it runs a machine from the booted state that the child's memory begins with,
/// and is taken back to where it can become any machine that began there. QEMU keeps its translations by the page that the
/// code lies in; the memory library knows which pages differ, and has QEMU drop those (`Sources/RAMLayers/translation.h`).
extension QEMUWaitingMachine {
    func rehearse(
        _ state: SavedState,
        disk: FilePath,
        performance: @Sendable (FilePath) async throws -> Void
    ) async throws {
        do {
            try await describingFailures("rehearse the machine") {
                let layer = DiskLayer(file: disk)
                try await insert(layer)
                try await allowReading(state.memoryLayers + [state.deviceState])
                try await memory.rehearse(state.memoryLayers, timeout: qemu.configuration.timeouts.restore)
                try await loadDeviceState(state.deviceState, into: qemu)
                _ = try await qemu.monitor.execute(Continue(), timeout: qemu.configuration.timeouts.command)
                try await performance(qemu.directory.appending(MachineFile.guestSocket))
                try await takeBack(layer, state)
            }
            noteRehearsal()
        } catch {
            await abandon()
            throw error
        }
    }

    /// Stops the machine and takes its disk and its memory away.
    private func takeBack(_ layer: DiskLayer, _ state: SavedState) async throws {
        let timeout = qemu.configuration.timeouts.flush
        _ = try await qemu.monitor.execute(Stop(), timeout: timeout)
        _ = try await qemu.monitor.execute(
            SetProperty(
                path: QEMUCommandLine.diskDevice,
                property: "drive",
                value: QEMUCommandLine.absentDiskNode
            ),
            timeout: timeout
        )
        try await delete(node: layer.nodeName)
        try await memory.takeBack(state.memoryLayers, timeout: qemu.configuration.timeouts.restore) { file in
            _ = try await qemu.monitor.execute(XenLoadDevicesState(filename: file.string), timeout: timeout)
        }
    }

    /// Makes a machine that was taken back, and has its memory, one that has this state of its devices.
    func rewind(to deviceState: FilePath) async throws {
        let timeout = qemu.configuration.timeouts.restore
        try await memory.rewind(to: deviceState, timeout: timeout) {
            _ = try await qemu.monitor.execute(
                XenLoadDevicesState(filename: deviceState.string),
                timeout: timeout
            )
        }
        await memory.close()
    }
}
