import Foundation
import NIOCore
import Synchronization
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What becomes of connections into real guests when something else happens.
    @Suite(.needs(image: "tiny"), .serialized) struct StreamFaults {
        @Test func `a service that stops reading costs little, and holds up nobody else`() async throws {
            try await Instance.run { instance in
                let guest = try await EchoGuest(instance)
                try await guest.expectEcho("before")
                let daemon = try #require(instance.daemonPID)
                let before = try DaemonUsage.residentMiB(of: daemon)
                let accepted = ByteCount()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    var connections: [HeldConnection] = []
                    for _ in 0..<20 { connections.append(try await guest.door.hold(guest.name(EchoGuest.holdPort))) }
                    for connection in connections {
                        group.addTask {
                            let piece = ByteBuffer(repeating: 1, count: 256 * 1024)
                            while true {
                                try await connection.send(piece)
                                accepted.add(piece.readableBytes)
                            }
                        }
                    }
                    try await waitForStandstill { accepted.value }
                    let grown = try DaemonUsage.residentMiB(of: daemon) - before
                    #expect(grown < 48, "versd grew by \(grown) MiB")
                    try await guest.expectEcho("meanwhile")
                    try await guest.expectEcho(String(repeating: "much ", count: 100_000))
                    for connection in connections { try await connection.reset() }
                    // A write ends with its connection.
                    while await group.nextResult() != nil {}
                }
                try await eventually("the guest to have no connection") { try await guest.establishedCount() == 0 }
                try await guest.waitForNoConnection()
            }
        }

        /// No event tells that nothing more will be taken.
        private func waitForStandstill(of count: () -> Int) async throws {
            var last = -1
            try await eventually("the connections to stand still", within: .seconds(120)) {
                try await Task.sleep(for: .seconds(1))
                defer { last = count() }
                return count() == last && last > 0
            }
        }

        @Test func `a vm that is deleted ends its connections at once and leaves nothing`() async throws {
            try await Instance.run { instance in
                let first = try await EchoGuest(instance)
                try await first.expectEcho("first")
                let daemon = try #require(instance.daemonPID)
                try await first.client.deleteMachine(first.id)
                try await first.waitForNoConnection()
                let before = try DaemonUsage.sockets(of: daemon)

                let guest = try await EchoGuest(instance)
                let connections = try await guest.hold(20)
                try await guest.client.deleteMachine(guest.id)
                try await eventually("the clients to see their connections end") {
                    connections.allSatisfy(\.hasEnded)
                }
                try await guest.waitForNoConnection()
                try await eventually("the daemon to have as many sockets as before") {
                    try DaemonUsage.sockets(of: daemon) <= before
                }
            }
        }

        @Test func `a thousand connections are open at once, and nothing is left of them`() async throws {
            try await Instance.run { instance in
                let guest = try await EchoGuest(instance, memoryMiB: 512)
                let daemon = try #require(instance.daemonPID)
                try await guest.expectEcho("one")
                try await guest.waitForNoConnection()
                let (sockets, descriptors) = (try DaemonUsage.sockets(of: daemon), try await guest.agentDescriptors())
                let connections = try await guest.hold(1000)
                #expect(try await guest.client.health().front_door.other.connections_active == 1000)
                #expect(try await guest.establishedCount() == 2000)
                for connection in connections { try await connection.echo("still there") }
                let resident = try DaemonUsage.residentMiB(of: daemon)
                #expect(resident < 400, "versd with 1000 connections: \(resident) MiB")
                for connection in connections { try await connection.reset() }
                try await guest.waitForNoConnection()
                try await eventually("the daemon to have as many sockets as before") {
                    try DaemonUsage.sockets(of: daemon) <= sockets
                }
                try await eventually("the agent to have as many descriptors as before") {
                    try await guest.agentDescriptors() <= descriptors
                }
                try await guest.expectEcho("after")
            }
        }

        @Test func `a branch leaves the parent's connections alone and its child none`() async throws {
            try await Instance.run { instance in
                let guest = try await EchoGuest(instance)
                try await guest.expectEcho("before")
                let descriptors = try await guest.agentDescriptors()
                let connections = try await guest.hold(20)
                let child = try #require(try await guest.client.branch(guest.id).first)
                for connection in connections { try await connection.echo("parent") }
                #expect(try await guest.establishedCount() == 40)
                try await eventually("the child to have no connection") {
                    try await guest.establishedCount(in: child) == 0
                }
                try await eventually("the child's agent to have let go of all") {
                    try await guest.agentDescriptors(of: child) <= descriptors
                }
                try await guest.expectEcho("child", of: child)
                for connection in connections {
                    try await connection.echo("parent")
                    try await connection.reset()
                }
                try await eventually("the parent to have no connection") { try await guest.establishedCount() == 0 }
            }
        }

        @Test(arguments: [RequestedState.paused, .sleeping])
        func `traffic wakes a vm, and it rests again when nobody uses it`(state: RequestedState) async throws {
            try await Instance.run(daemonOptions: ["--idle-sleep", "1"]) { instance in
                let guest = try await EchoGuest(instance, wakesOnTraffic: true)
                let resting: MachineState = state == .paused ? .paused : .sleeping
                try await guest.client.setState(of: guest.id, to: state)
                for _ in 0..<2 {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<5 { group.addTask { try await guest.expectEcho("knock \(number)") } }
                        try await group.waitForAll()
                    }
                    try await guest.client.waitUntil(guest.id, is: resting)
                }
                let held = try await guest.hold(1)
                #expect(try await guest.client.state(of: guest.id) == .running)
                for connection in held { try await connection.reset() }
                try await guest.client.waitUntil(guest.id, is: resting)
            }
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func `a daemon that ends takes its connections along, and the next one serves`(signal: Int32) async throws {
            try await Instance.run { instance in
                let guest = try await EchoGuest(instance)
                let connections = try await guest.hold(20)
                try await instance.restartDaemon(signal)
                try await eventually("the clients to see their connections end") {
                    connections.allSatisfy(\.hasEnded)
                }
                let again = try await guest.through(instance)
                try await again.expectEcho("again")
                try await eventually("the guest to have no connection") { try await again.establishedCount() == 0 }
            }
        }
    }
}

/// A VM with a service that echoes, and one that takes connections and reads nothing.
struct EchoGuest: Sendable {
    static let echoPort: UInt16 = 7000
    static let holdPort: UInt16 = 7001

    let client: VersClient
    let door: DoorClient
    let id: MachineID

    init(_ instance: Instance, memoryMiB: Int = 128, wakesOnTraffic: Bool = false) async throws {
        client = try instance.client()
        door = try await DoorClient(client)
        id = try await client.createMachine(
            MachineConfiguration(mem_size_mib: memoryMiB, image_name: "tiny", wake_on_traffic: wakesOnTraffic),
            waitForBoot: true
        )
        let program = try await GuestProgram.compile("service", into: instance.work)
        try await client.writeFile(program, to: "/root/service", in: id, mode: 0o755)
        try await client.sh(id, "/root/service \(Self.echoPort) echo && /root/service \(Self.holdPort) hold")
    }

    private init(client: VersClient, door: DoorClient, id: MachineID) {
        (self.client, self.door, self.id) = (client, door, id)
    }

    /// The same through a daemon that was started meanwhile.
    func through(_ instance: Instance) async throws -> EchoGuest {
        let client = try instance.client()
        return EchoGuest(client: client, door: try await DoorClient(client), id: id)
    }

    func name(_ port: UInt16, of machine: MachineID? = nil) -> String {
        door.door.hostName(of: machine ?? id, port: port)
    }

    /// Says something on a new connection, and expects it back.
    func expectEcho(_ text: String, of machine: MachineID? = nil) async throws {
        let answer = try await door.ask(name(Self.echoPort, of: machine), text, ends: false, until: text.utf8.count)
        #expect(answer == text)
    }

    /// Connections to the echo, each of which has proved to work. A hundred at a time: the door waits 10 s for a handshake,
    /// which a busy machine may need for more.
    func hold(_ count: Int) async throws -> [HeldConnection] {
        var connections: [HeldConnection] = []
        while connections.count < count {
            try await withThrowingTaskGroup(of: HeldConnection.self) { group in
                for number in 0..<min(100, count - connections.count) {
                    group.addTask {
                        let connection = try await door.hold(name(Self.echoPort))
                        try await connection.echo("hello \(number)")
                        return connection
                    }
                }
                for try await connection in group { connections.append(connection) }
            }
        }
        return connections
    }

    /// Ends of connections to the services that the guest's kernel has: two of each, since both are in the guest.
    func establishedCount(in machine: MachineID? = nil) async throws -> Int {
        let ports = "\(Self.echoPort)|\(Self.holdPort)"
        let script = "netstat -tn | grep ESTABLISHED | grep -cE ':(\(ports)) ' || true"
        return try #require(Int(try await client.sh(machine ?? id, script)))
    }

    func agentDescriptors(of machine: MachineID? = nil) async throws -> Int {
        let script = "ls /proc/$(pidof vers-agent || echo 1)/fd | wc -l"
        return try #require(Int(try await client.sh(machine ?? id, script)))
    }

    /// Waits until the front door counts no connection any more.
    func waitForNoConnection() async throws {
        try await eventually("the daemon to count no connection") {
            let counters = try await client.health().front_door
            return [counters.ssh, counters.http, counters.tunnel, counters.other].allSatisfy {
                $0.connections_active == 0
            }
        }
    }
}

/// Counted by several tasks.
private final class ByteCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }
}

/// What the daemon uses.
enum DaemonUsage {
    static func residentMiB(of pid: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) }) / 1024
    }

    /// Files are left out: the database's readers stay open.
    static func sockets(of pid: Int32) throws -> Int {
        let directory = "/proc/\(pid)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: directory).filter {
            // One that was closed meanwhile is none.
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)")
            return link?.hasPrefix("socket:") == true
        }.count
    }
}
