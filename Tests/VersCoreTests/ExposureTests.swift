import Testing
import VersAPI

@testable import VersCore

struct ExposureTests {
    @Test func `a private vm has private children, and opens again`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            #expect(try await test.machines.reach(of: machine)?.isPrivate == false)
            try await test.machines.setExposure(Exposure(is_private: true), of: machine, for: test.principal)
            let commit = try await test.machines.commit(
                machine,
                request: CommitRequest(),
                options: FreezeOptions(),
                for: test.principal
            )
            let children =
                try await test.machines.branch(
                    .machine(machine),
                    count: 2,
                    options: FreezeOptions(),
                    for: test.principal
                ) + [try await test.machines.create(from: commit, for: test.principal)]
            try await test.machines.setExposure(Exposure(is_private: false), of: machine, for: test.principal)
            #expect(try await test.machines.exposure(of: machine, for: test.principal).is_private == false)
            for child in children {
                #expect(try await test.machines.reach(of: child)?.isPrivate == true)
                #expect(try await test.machines.exposure(of: child, for: test.principal).is_private)
            }
            let foreign = await refusal {
                try await test.machines.setExposure(Exposure(is_private: false), of: machine, for: TestDomain.stranger)
            }
            #expect(foreign?.code == .notFound)
            #expect(try await test.machines.reach(of: MachineID()) == nil)
        }
    }
}
