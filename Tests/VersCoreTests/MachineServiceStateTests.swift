import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct MachineServiceStateTests {
    @Test func `every way through the states`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            let states: [RequestedState] = [
                .paused, .paused, .running, .running, .sleeping, .sleeping, .running, .paused, .sleeping, .stopped,
                .stopped, .running, .paused, .stopped, .running, .stopped, .running,
            ]
            for state in states {
                try await test.machines.setState(of: id, to: state, skipWaitBoot: false)
                #expect(try await test.record(id)?.state.rawValue == state.rawValue.lowercased())
                let hasProcess = state == .running || state == .paused
                #expect(test.hypervisor.processes.contains(id) == hasProcess)
                #expect((try await test.record(id)?.process != nil) == hasProcess)
                try await expectDisksOnFile(of: id, in: test)
            }
        }
    }

    @Test func `an agent that was started again is told whose it is before anything is asked of it`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            let before = test.guests.identities.count
            test.guests.endAgent(of: id)
            try await withDeadline(.seconds(60), "a new session") {
                // The end is told by an event.
                while test.guests.identities.count == before {
                    _ = try await test.machines.guest(of: id, skipWaitBoot: false)
                    await Task.yield()
                }
            }
            #expect(test.guests.identities.count == before + 1)
            #expect(test.guests.identities.last?.machineID == id)
            #expect(test.guests.identities.last?.dropsConnections == false)
        }
    }

    @Test(arguments: [RequestedState.paused, .sleeping])
    func `a VM without memory cannot pause or sleep`(state: RequestedState) async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            try await test.machines.setState(of: id, to: .stopped, skipWaitBoot: false)
            let error = await #expect(throws: VersError.self) {
                try await test.machines.setState(of: id, to: state, skipWaitBoot: false)
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("stopped") == true)
        }
    }

    @Test func `waking starts from a fresh disk over the state it fell asleep with`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            try await test.machines.setState(of: id, to: .sleeping, skipWaitBoot: false)
            let asleep = try #require(try await test.record(id))
            test.hypervisor.fail(.restore)
            await #expect(throws: VersError.self) {
                try await test.machines.setState(of: id, to: .running, skipWaitBoot: false)
            }
            #expect(try await test.record(id)?.state == .sleeping)
            try await test.machines.setState(of: id, to: .running, skipWaitBoot: false)
            let awake = try #require(try await test.record(id))
            #expect(awake.activeDisk != asleep.activeDisk)
            #expect(awake.sleepCommitID == nil)
            try await expectDisksOnFile(of: id, in: test)
            // Neither the disk it fell asleep with nor that of the attempt that failed is left.
            let files = try FileManager.default.contentsOfDirectory(atPath: test.layout.directory(of: id).string)
            #expect(files.filter { $0.hasPrefix("disk-") } == [try #require(awake.activeDisk)])
        }
    }

    @Test func `a VM that cannot be put to sleep runs on`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            for call in [ScriptedHypervisor.Call.prepareFreeze, .execute, .memoryLayer, .keepMark] {
                test.hypervisor.fail(call)
                await #expect(throws: VersError.self) {
                    try await test.machines.setState(of: id, to: .sleeping, skipWaitBoot: false)
                }
                #expect(try await test.record(id)?.state == .running)
                #expect(test.hypervisor.machine(id)?.isPaused == false)
                try await expectDisksOnFile(of: id, in: test)
            }
        }
    }

    @Test func `the memory of a sleeping VM that is stopped goes`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            try await test.machines.setState(of: id, to: .sleeping, skipWaitBoot: false)
            let sleep = try #require(try await test.record(id)?.sleepCommitID)
            try await test.machines.setState(of: id, to: .stopped, skipWaitBoot: false)
            #expect(!FileManager.default.fileExists(atPath: test.layout.file(.memory, of: sleep).string))
            #expect(FileManager.default.fileExists(atPath: test.layout.file(.disk, of: sleep).string))
        }
    }

    @Test(arguments: [
        (VirtualMachineEvent.exited(status: "signal 9"), MachineState.dead), (.guestPoweredOff, .stopped),
        (.guestPanicked, .dead), (.diskFailed(message: "no space"), .paused),
    ])
    func `what happens to a VM is recorded with its reason`(
        event: VirtualMachineEvent,
        state: MachineState
    ) async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            let other = try await test.create()
            test.hypervisor.machine(id)?.report(event)
            try await test.waitUntil(id) { $0.state == state }
            #expect(try await test.record(id)?.stateReason != nil)
            #expect(try await test.record(other)?.state == .running)
            // No state is a dead end.
            try await test.machines.setState(of: id, to: .running, skipWaitBoot: false)
            #expect(try await test.record(id)?.state == .running)
            #expect(try await test.record(id)?.stateReason == nil)
        }
    }

    @Test func `a guest that reboots is started again from its disk`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            let first = try await test.record(id)?.process
            test.hypervisor.machine(id)?.report(.guestReset)
            try await test.waitUntil(id) { $0.state == .running && $0.process != first }
            #expect(test.hypervisor.launched.last?.machineID == id)
        }
    }

}
