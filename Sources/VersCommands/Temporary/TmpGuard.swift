import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers tmp-guard`, which `vers tmp` starts: waits for the end of its starter and deletes the VM that is left.
struct TmpGuard: AsyncParsableCommand {
    static let name = "tmp-guard"
    static let dismissal = "done"
    /// Where the starter's pipe is.
    private static let descriptor: Int32 = 3
    /// A request that was cut off may still make a VM. When to look for it.
    private static let searches: [Duration] = [.zero, .seconds(1), .seconds(2), .seconds(4)]

    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Delete a temporary VM when its user is gone.",
        discussion: """
            EXAMPLES
              vers tmp
            """,
        shouldDisplay: false
    )

    @Argument(help: "The value of the VM's label.")
    var token: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let lines = await Blocking.run { Self.readToEnd() }.split(separator: "\n").map(String.init)
        if lines.contains(Self.dismissal) { return }
        let known = lines.lazy.compactMap { MachineID($0) }.first
        try await common.context.withSession { session in
            if let known { return try await delete(known, session.client) }
            for delay in Self.searches {
                try await Task.sleep(for: delay)
                let left = try await session.client.machines().filter { $0.labels?[TemporaryMachine.label] == token }
                for machine in left { try await delete(machine.vm_id, session.client) }
                if !left.isEmpty { return }
            }
        }
    }

    /// A VM that has children by now is somebody's.
    private func delete(_ id: MachineID, _ client: VersClient) async throws {
        do {
            try await client.deleteMachine(id)
        } catch let error as VersError where [.notFound, .hasChildren].contains(error.code) {
            return
        }
    }

    private static func readToEnd() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer.prefix(count)
            } else if count == 0 || errno != EINTR {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}
