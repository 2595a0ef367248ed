import InstanceStore
import VersAPI
import VersCore

/// A stock machine that has booted, has the guest program, and some of whose ports the host forwards.
struct StockGuest: Sendable {
    let session: any GuestSession
    private let hostPorts: [UInt16: UInt16]

    /// Runs `body` with one, and ends it.
    static func with(
        memoryMiB: Int,
        forwarding ports: [UInt16],
        in context: BenchmarkContext,
        _ body: (StockGuest) async throws -> Void
    ) async throws {
        let images = ImageDirectory(layout: InstanceLayout(home: context.instance.home))
        var commandLine = StockCommandLine(
            image: try await images.image(named: context.options.image),
            memoryMiB: memoryMiB,
            accelerator: try await context.instance.log.opening().accelerator,
            disk: "disk0",
            waits: false
        )
        for port in ports { commandLine.forwarded[port] = try await StreamTarget.freePort() }
        try await StockDisk.withDirectory(in: context.instance.home) { directory in
            try await StockDisk.create(commandLine.disk, in: directory, over: commandLine.image.disk, format: "raw")
            let machine = try await StockMachine.start(commandLine, in: directory)
            do {
                let session = try await machine.guest(with: context.program)
                try await body(StockGuest(session: session, hostPorts: commandLine.forwarded))
                await session.close()
            } catch {
                await machine.terminate()
                throw error
            }
            await machine.terminate()
        }
    }

    /// The port of the host's loopback that leads to one of the guest.
    func hostPort(for port: UInt16) throws -> UInt16 {
        guard let hostPort = hostPorts[port] else {
            throw VersError(.internal, "port \(port) of the stock machine is not forwarded")
        }
        return hostPort
    }
}
