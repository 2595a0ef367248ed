import Testing
import VersAPI

@testable import VersCore

struct EnvironmentServiceTests {
    @Test func `variables are added, replaced and deleted`() async throws {
        try await TestDomain.run { test in
            let environment = test.environment
            func set(_ vars: [String: String], replace: Bool? = nil) async throws -> [String: String] {
                let request = EnvironmentRequest(vars: vars, replace: replace)
                return try await environment.set(request, for: test.principal).vars
            }
            #expect(try await set(["A": "1", "B": "2"]) == ["A": "1", "B": "2"])
            #expect(try await set(["B": "3", "_c9": ""]) == ["A": "1", "B": "3", "_c9": ""])
            #expect(try await set(["D": "ü \"quoted\" #\n"], replace: true) == ["D": "ü \"quoted\" #\n"])
            #expect(try await environment.variables(for: TestDomain.stranger).vars == [:])
            try await environment.delete("D", for: test.principal)
            let error = await refusal { try await environment.delete("D", for: test.principal) }
            #expect(error?.code == .notFound)
            #expect(error?.message.contains("Environment variable not found") == true)
        }
    }

    @Test(
        arguments: [
            ["": "v"], ["1A": "v"], ["A-B": "v"], ["A=B": "v"], ["Ä": "v"], ["A\n": "v"],
            [String(repeating: "K", count: 257): "v"], ["A": String(repeating: "v", count: 8193)], ["A": "secret\0"],
        ]
    )
    func `what cannot be a variable is refused, and its value is not repeated`(vars: [String: String]) async throws {
        try await TestDomain.run { test in
            let error = await refusal {
                _ = try await test.environment.set(EnvironmentRequest(vars: vars), for: test.principal)
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("secret") == false)
        }
    }

    @Test func `the limits themselves are allowed, more in all are not`() async throws {
        try await TestDomain.run { test in
            func set(_ vars: [String: String]) async throws {
                _ = try await test.environment.set(EnvironmentRequest(vars: vars), for: test.principal)
            }
            try await set([String(repeating: "K", count: 256): String(repeating: "ü", count: 8192)])
            let many = Dictionary(uniqueKeysWithValues: (0..<1024).map { ("V\($0)", "") })
            #expect(await refusal { try await set(many) }?.code == .invalidArgument)
            let large = Dictionary(
                uniqueKeysWithValues: (0..<64).map { ("V\($0)", String(repeating: "v", count: 8192)) }
            )
            #expect(await refusal { try await set(large) }?.code == .invalidArgument)
            #expect(try await test.environment.variables(for: test.principal).vars.count == 1)
        }
    }

    @Test func `every identity carries the variables of its moment, a boot commit none`() async throws {
        try await TestDomain.run { test in
            func set(_ vars: [String: String]) async throws {
                let request = EnvironmentRequest(vars: vars, replace: true)
                _ = try await test.environment.set(request, for: test.principal)
            }
            try await set(["A": "1"])
            let machine = try await test.create()
            // The first is the boot commit's, which everybody's VMs start from.
            #expect(test.guests.identities.map(\.environment) == [[:], ["A": "1"]])
            try await set(["A": "2"])
            _ = try await test.branch(machine)
            #expect(test.guests.identities.last?.environment == ["A": "2"])
            try await set([:])
            for state in [RequestedState.sleeping, .running, .stopped, .running] {
                try await test.machines.setState(of: machine, to: state, skipWaitBoot: false)
            }
            #expect(test.guests.identities.suffix(2).map(\.environment) == [[:], [:]])
        }
    }

    @Test func `a VM's own variables go over those of its organisation, and on to its children`() async throws {
        try await TestDomain.run { test in
            let request = EnvironmentRequest(vars: ["A": "organisation", "B": "organisation"])
            _ = try await test.environment.set(request, for: test.principal)
            let configuration = MachineConfiguration(mem_size_mib: 128, env: ["A": "own", "C": "own"])
            let machine = try await test.machines.create(configuration, waitForBoot: true, for: test.principal)
            let expected = ["A": "own", "B": "organisation", "C": "own"]
            // The first is the boot commit's, in which nobody's are.
            #expect(test.guests.identities.map(\.environment) == [[:], expected])
            _ = try await test.branch(machine)
            #expect(test.guests.identities.last?.environment == expected)
            for state in [RequestedState.stopped, .running] {
                try await test.machines.setState(of: machine, to: state, skipWaitBoot: false)
            }
            #expect(test.guests.identities.last?.environment == expected)
        }
    }

    @Test func `a VM is not made with variables that it could not be given`() async throws {
        try await TestDomain.run { test in
            for env in [["A-B": "v"], ["A": "secret\0"], ["A": String(repeating: "v", count: 8193)]] {
                let configuration = MachineConfiguration(mem_size_mib: 128, env: env)
                let error = await refusal {
                    _ = try await test.machines.create(configuration, waitForBoot: true, for: test.principal)
                }
                #expect(error?.code == .invalidArgument && error?.message.contains("secret") == false)
            }
            #expect(test.guests.identities.isEmpty)
        }
    }
}
