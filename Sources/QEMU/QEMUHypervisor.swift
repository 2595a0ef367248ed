internal import Glibc
internal import HostSystem
public import Logging
internal import QMP
public import SystemPackage
internal import VersAPI
public import VersCore

/// Machines in QEMU processes of their own, with layered guest memory.
public final class QEMUHypervisor: Hypervisor {
    public let accelerator: AcceleratorChoice
    public let compatibility: HypervisorCompatibility
    /// How the memory of new machines is held.
    public let memoryMode: MemoryMode
    let configuration: QEMUConfiguration
    private let library: MemoryLibrary?
    private let logger: Logger

    /// Looks at the host: whether QEMU is there, whether the memory library can be loaded into it, and what executes
    /// guests.
    /// - Throws: ``VersError`` `.unsupported`, with what to install or build.
    public init(configuration: QEMUConfiguration, logger: Logger) async throws {
        self.logger = logger
        let version = try await QEMUVersionProbe.probe(configuration.executable)
        let memory = try await MemoryLibraryProbe(
            executable: configuration.executable,
            library: configuration.memoryLibrary,
            timeout: configuration.timeouts.command
        ).choose(configuration.memory)
        if memory.mode == .copy {
            logger.warning(
                "guest memory is copied: branches, commits and starts are slow, and machines share no memory",
                metadata: ["reason": "\(memory.reason)"]
            )
        }
        memoryMode = memory.mode
        library = memory.library
        var prepared = configuration
        prepared.machineConfinement = try await MachineConfinement.make(
            configuration.confinement,
            executable: configuration.executable,
            library: configuration.memoryLibrary,
            logger: logger
        )
        self.configuration = prepared
        let choice = try await BlockingPool.run { AcceleratorProbe().choose(configuration.accelerator) }
        accelerator = choice
        compatibility = HypervisorCompatibility(
            hypervisor: "qemu",
            version: version,
            machineType: QEMUCommandLine.machineType,
            accelerator: choice.name,
            cpuModel: QEMUCommandLine.cpuModel(accelerator: choice.name),
            deviceSet: QEMUCommandLine.deviceSet
        )
        logger.info(
            "accelerator chosen",
            metadata: ["accelerator": "\(choice.name)", "reason": "\(choice.reason)", "qemu.version": "\(version)"]
        )
    }

    public func createDisk(in directory: FilePath, over base: FilePath, sizeMiB: Int) async throws -> FilePath {
        try await describingFailures("create a disk") {
            try await BlockingPool.run {
                let size = try DiskFiles.bytes(mebibytes: sizeMiB)
                let smallest = try DiskFiles.sizeInBytes(of: base)
                guard size >= smallest else {
                    throw VersError(
                        .invalidArgument,
                        "invalid disk size \(sizeMiB) MiB: the disk underneath has \(DiskFiles.mebibytes(smallest)) MiB"
                    )
                }
                let file = directory.appending(DiskFile.next(after: try HostFile.names(in: directory)))
                try DiskFiles.createOverlay(file, over: base, sizeInBytes: size)
                return file
            }
        }
    }

    public func diskSizeMiB(of disk: FilePath) async throws -> Int {
        try await describingFailures("look at a disk") {
            try await BlockingPool.run { DiskFiles.mebibytes(try DiskFiles.sizeInBytes(of: disk)) }
        }
    }

    public func boot(_ configuration: LaunchConfiguration) async throws -> any VirtualMachine {
        try await describingFailures("boot the machine") {
            let qemu = try await launch(configuration.waiting, start: .boot(configuration))
            return QEMUVirtualMachine(qemu, activeDisk: configuration.activeDisk, memoryMiB: configuration.memoryMiB)
        }
    }

    public func startWaiting(_ configuration: WaitingConfiguration) async throws -> any WaitingMachine {
        try await describingFailures("start a waiting machine") {
            let qemu = try await launch(configuration, start: .wait)
            return try await QEMUWaitingMachine.leash(qemu, memoryMiB: configuration.memoryMiB)
        }
    }

    /// What is translated is worth keeping; a processor translates nothing.
    public var canRehearse: Bool { accelerator.name == "tcg" && memoryMode == .layers }

    public func guestChannel(in directory: FilePath) -> FilePath { directory.appending(MachineFile.guestSocket) }

    public func adopt(_ process: ProcessIdentity, directory: FilePath) async throws -> (any VirtualMachine)? {
        try await describingFailures("take over the machine") {
            let adopted = try await QEMUProcess.adopt(
                process,
                directory: directory,
                configuration: configuration,
                logger: logger
            )
            guard let qemu = adopted else { return nil }
            do {
                let machine = try await machine(in: qemu)
                await machine.removeUnusedDisks()
                return machine
            } catch {
                await qemu.monitor.close()
                throw error
            }
        }
    }

    private func machine(in qemu: QEMUProcess) async throws -> QEMUVirtualMachine {
        let drives = try await qemu.monitor.execute(QueryBlock(), timeout: configuration.timeouts.command)
        guard let node = drives.lazy.compactMap(\.inserted?.nodeName).first else {
            throw VersError(.internal, "process \(qemu.identity.pid) has no disk")
        }
        let memory = try await qemu.openMemory()
        let status = try await memory.status()
        await memory.close()
        return QEMUVirtualMachine(
            qemu,
            activeDisk: qemu.directory.appending(DiskLayer.fileName(ofNode: node)),
            memoryMiB: Int(status.bytes >> 20)
        )
    }

    public func terminateStrays(below root: FilePath, keeping: Set<Int32>) async {
        let executable = configuration.executable
        let strays =
            (try? await BlockingPool.run { try StrayScan(executable: executable, root: root).find(keeping) }) ?? []
        for pid in strays {
            logger.warning("ending a stray monitor process", metadata: ["pid": "\(pid)"])
            // One that ended by itself needs nothing more.
            guard let handle = try? ProcessHandle(pid: pid) else { continue }
            try? handle.signal(SIGKILL)
            _ = await handle.waitForExit(timeout: configuration.timeouts.start)
        }
        await configuration.machineConfinement?.removeEmptyGroups()
    }

    private func launch(
        _ machine: WaitingConfiguration,
        start: QEMUCommandLine.Start
    ) async throws -> QEMUProcess {
        var logger = logger
        logger[metadataKey: "machine"] = "\(machine.machineID)"
        let commandLine = QEMUCommandLine(
            machineID: machine.machineID,
            directory: machine.directory,
            memoryMiB: machine.memoryMiB,
            vcpuCount: machine.vcpuCount,
            start: start,
            accelerator: accelerator.name,
            memoryMode: memoryMode,
            translationCacheMiB: configuration.translationCacheMiB,
            tap: machine.tap,
            isConfined: configuration.machineConfinement != nil
        )
        return try await QEMUProcess.launch(
            commandLine,
            library: library,
            configuration: configuration,
            logger: logger
        )
    }
}

extension LaunchConfiguration {
    /// What it has in common with a machine that waits.
    fileprivate var waiting: WaitingConfiguration {
        WaitingConfiguration(
            machineID: machineID,
            directory: directory,
            memoryMiB: memoryMiB,
            vcpuCount: vcpuCount,
            tap: tap
        )
    }
}
