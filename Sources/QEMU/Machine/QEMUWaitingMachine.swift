internal import Glibc
internal import HostSystem
internal import QMP
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// A QEMU that waits for saved state (`-incoming defer`). It has its disk open, but inactive: nothing is locked, and
/// what it has read of the disk's metadata is read again at the activation.
final class QEMUWaitingMachine: WaitingMachine {
    private let qemu: QEMUProcess
    private let activeDisk: FilePath
    private let memoryMiB: Int

    init(_ qemu: QEMUProcess, activeDisk: FilePath, memoryMiB: Int) {
        self.qemu = qemu
        self.memoryMiB = memoryMiB
        self.activeDisk = activeDisk
    }

    var process: ProcessIdentity { qemu.identity }

    func restore(_ state: SavedState) async throws -> any VirtualMachine {
        do {
            return try await describingFailures("restore the machine") {
                try await mapLayers(state.memoryLayers)
                try await loadDeviceState(state.deviceState)
                return QEMUVirtualMachine(qemu, activeDisk: activeDisk, memoryMiB: memoryMiB)
            }
        } catch {
            await abandon()
            throw error
        }
    }

    func abandon() async {
        await qemu.kill()
        await qemu.monitor.close()
    }

    private func mapLayers(_ layers: [FilePath]) async throws {
        let memory = try await MemoryConnection.connect(to: qemu.memorySocket)
        for layer in layers {
            do {
                _ = try await memory.request("layer \(layer)", expecting: "layer")
            } catch MemoryLibraryError.refused(_, let errno, _) where errno == .fileTooLarge {
                throw VersError(.incompatible, "the memory layer '\(layer)' is not of the size of the machine's memory")
            }
        }
        _ = try await memory.request(
            "map",
            expecting: "mapped",
            timeout: qemu.configuration.timeouts.restore
        )
        await memory.close()
    }

    private func loadDeviceState(_ file: FilePath) async throws {
        let events = qemu.events.subscribe()
        try await passDeviceState(file)
        _ = try await qemu.monitor.execute(
            MigrateIncoming(uri: "fd:state"),
            timeout: qemu.configuration.timeouts.command
        )
        let status = try await withDeadline(qemu.configuration.timeouts.restore, "load the device state") {
            for await event in events where event.name == "MIGRATION" {
                guard let status = event.data["status"]?.string else { continue }
                if status == "completed" || status == "failed" { return status }
            }
            return "ended"
        }
        guard status != "completed" else { return }
        // QEMU says what does not fit in its log only, and ends.
        let log = (try? HostFile.readEnd(qemu.directory.appending(MachineFile.log), limitInBytes: 2000)) ?? []
        let reason = String(decoding: log, as: UTF8.self).split(separator: "\n").last ?? "no reason was given"
        throw VersError(.incompatible, "the saved device state does not load: \(reason)")
    }

    private func passDeviceState(_ file: FilePath) async throws {
        let descriptor = open(file.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostError("open", file, errno: Errno(rawValue: errno)) }
        defer { close(descriptor) }
        _ = try await qemu.monitor.execute(
            GetFD(fdname: "state"),
            timeout: qemu.configuration.timeouts.command,
            passing: descriptor
        )
    }
}
