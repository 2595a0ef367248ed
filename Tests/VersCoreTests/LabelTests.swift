import Testing
import VersAPI

@testable import VersCore

struct LabelTests {
    @Test func `labels are added, replaced and removed`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            func labels() async throws -> [String: String]? { try await test.machines.summary(of: machine).labels }
            try await test.machines.upsertLabels(["a": "1", "b": "2"], of: machine)
            try await test.machines.upsertLabels(["b": "3"], of: machine)
            #expect(try await labels() == ["a": "1", "b": "3"])
            try await test.machines.replaceLabels(["c": "4"], of: machine, for: test.principal)
            #expect(try await labels() == ["c": "4"])
            try await test.machines.removeLabel("c", of: machine, for: test.principal)
            #expect(try await labels() == nil)
            let missing = await refusal {
                try await test.machines.removeLabel("c", of: machine, for: test.principal)
            }
            #expect(missing?.code == .notFound)
            let foreign = await refusal {
                try await test.machines.replaceLabels([:], of: machine, for: TestDomain.stranger)
            }
            #expect(foreign?.code == .notFound)
            let odd = await refusal {
                try await test.machines.replaceLabels(["a b": ""], of: machine, for: test.principal)
            }
            #expect(odd?.code == .invalidArgument)
        }
    }

    @Test func `labels that are added count together with those that are there`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let full = Dictionary(uniqueKeysWithValues: (0..<64).map { ("l\($0)", "v") })
            try await test.machines.upsertLabels(full, of: machine)
            try await test.machines.upsertLabels(["l0": "w"], of: machine)
            let error = await refusal { try await test.machines.upsertLabels(["more": "v"], of: machine) }
            #expect(error?.code == .invalidArgument)
            #expect(try await test.machines.summary(of: machine).labels?.count == 64)
        }
    }
}
