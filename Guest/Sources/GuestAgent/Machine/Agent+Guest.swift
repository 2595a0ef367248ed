import CGuest
import Glibc
import GuestProtocol

extension Agent {
    /// For streams, and for as many commands as may run, each with a few.
    private static let descriptorLimit: UInt64 = 32_768
    /// What streams take and leave all the time.
    private static let keptHeapInBytes = 2 * 1024 * 1024

    /// Serves the machine's port until it is powered off.
    static func serveGuest(_ machine: Machine) throws(SystemError) -> Never {
        signal(SIGPIPE, SIG_IGN)
        cguest_raise_descriptor_limit(descriptorLimit)
        // Whoever takes what a stream brings would take the processor from us at every piece of it.
        cguest_run_first()
        cguest_keep_heap(Self.keptHeapInBytes)
        let agent = try Agent(machine: machine)
        agent.lastDiskSize = (try? RootFilesystem.sizes("/").diskInBytes) ?? 0
        try agent.watchMachine()
        agent.findPort()
        try agent.run()
        exit(1)
    }

    private func watchMachine() throws(SystemError) {
        if machine.ueventDescriptor >= 0 {
            try loop.add(machine.ueventDescriptor, EventLoop.readable) { [unowned self] _ in receiveDeviceEvents() }
        }
        if machine.notifyDescriptor >= 0 {
            try loop.add(machine.notifyDescriptor, EventLoop.readable) { [unowned self] _ in
                for channel in machine.receiveNotification() { reply(channel) }
            }
        }
    }

    private func receiveDeviceEvents() {
        var buffer = [UInt8](repeating: 0, count: 8192)
        var hasBlockEvent = false
        while true {
            let count = recv(machine.ueventDescriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            // ENOBUFS says that events were lost: look at everything.
            if count < 0, errno != ENOBUFS { break }
            hasBlockEvent = true
        }
        guard hasBlockEvent else { return }
        if !port.isOpen { findPort() }
        if !Network.isConfigured { Network.configure() }
        blockDeviceChanged()
    }

    private func findPort() {
        guard let path = VirtioPort.find(named: Self.portName) else { return }
        do throws(SystemError) {
            try port.open(device: path)
        } catch {
            Console.log("cannot serve the host: \(error)")
        }
    }
}

/// Ports of virtio-serial devices.
enum VirtioPort {
    private static let directory = "/sys/class/virtio-ports"

    /// - Returns: the device file of the port that the host has given that name.
    static func find(named name: String) -> String? {
        DirectoryListing.names(in: directory)
            .first { SmallFile.readLine("\(directory)/\($0)/name") == name }
            .map { "/dev/\($0)" }
    }
}
