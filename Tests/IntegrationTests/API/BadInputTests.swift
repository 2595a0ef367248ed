import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// What must be true at the end, 8: bad input is refused, naming the value and the limit, and makes nothing.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct BadInput {
        struct Case: Sendable, CustomTestStringConvertible {
            var method = "POST"
            var path: String
            var body: String?
            var status: Set<Int>
            /// What the message must name.
            var names: [String] = []
            var testDescription: String { "\(method) \(path.prefix(60)) \((body ?? "").prefix(60))" }
        }

        private let instance: Instance

        init() throws { instance = try Instance.current }

        private static let nobody = "00000000-0000-4000-8000-000000000000"

        private static func newRoot(_ field: String, _ status: Set<Int>, _ names: [String]) -> Case {
            Case(
                path: "/vm/new_root",
                body: "{\"vm_config\":{\"image_name\":\"tiny\",\(field)}}",
                status: status,
                names: names
            )
        }

        static let sizes = [
            newRoot("\"mem_size_mib\":0", [400, 422], ["mem_size_mib", "0"]),
            newRoot("\"mem_size_mib\":-1", [400, 422], ["mem_size_mib", "-1"]),
            newRoot("\"mem_size_mib\":99999999999", [400, 422], ["mem_size_mib", "99999999999"]),
            newRoot("\"mem_size_mib\":1e300", [400, 422], ["mem_size_mib"]),
            newRoot("\"mem_size_mib\":\"many\"", [422], ["mem_size_mib"]),
            newRoot("\"mem_size_mib\":128.5", [422], ["mem_size_mib"]),
            newRoot("\"vcpu_count\":0", [400, 422], ["vcpu_count", "0"]),
            newRoot("\"vcpu_count\":1000", [400, 422], ["vcpu_count", "1000", "64"]),
            newRoot("\"fs_size_mib\":1", [400, 422], ["fs_size_mib", "1"]),
            newRoot("\"fs_size_mib\":-5", [400, 422], ["fs_size_mib", "-5"]),
            newRoot("\"labels\":{\"bad name\":\"x\"}", [400, 422], ["bad name"]),
            newRoot("\"labels\":7", [422], ["labels"]),
            newRoot("\"kernel_name\":\"other\"", [404], ["other"]),
        ]

        static let namesAndPaths = [
            Case(
                path: "/vm/new_root",
                body: "{\"vm_config\":{\"image_name\":\"../../etc\"}}",
                status: [400],
                names: ["../../etc"]
            ),
            Case(path: "/vm/new_root", body: "{\"vm_config\":{\"image_name\":\"\"}}", status: [400]),
            Case(
                path: "/vm/new_root",
                body: "{\"vm_config\":{\"image_name\":\"none\"}}",
                status: [404],
                names: ["none"]
            ),
            Case(method: "GET", path: "/vm/not-an-id/status", status: [400], names: ["not-an-id"]),
            Case(method: "GET", path: "/vm/\(nobody)/status", status: [404], names: [nobody]),
            Case(method: "DELETE", path: "/vm/..%2f..%2fetc", status: [400]),
            Case(path: "/vm/\(nobody)/branch?count=1", status: [404], names: [nobody]),
            Case(path: "/vm/branch/by_vm/\(nobody)", status: [404], names: [nobody]),
            Case(path: "/vm/branch/by_commit/xyz", status: [400], names: ["xyz"]),
            Case(path: "/vm/from_commit", body: "{\"commit_id\":\"\(nobody)\"}", status: [404], names: [nobody]),
            Case(path: "/vm/from_commit", body: "{\"commit_id\":\"a b\"}", status: [422], names: ["a b"]),
            Case(path: "/vm/from_commit", body: "{\"commit_id\":\"none\"}", status: [404], names: ["none"]),
            Case(path: "/vm/from_commit", body: "{\"ref\":\"none:v1\"}", status: [404], names: ["none"]),
            Case(path: "/vm/branch/by_tag/none", status: [404], names: ["none"]),
            Case(path: "/vm/branch/by_ref/none/v1", status: [404], names: ["none"]),
            Case(
                path: "/commit_tags",
                body: "{\"tag_name\":\"a/b\",\"commit_id\":\"\(nobody)\"}",
                status: [400],
                names: ["a/b"]
            ),
            Case(path: "/repositories", body: "{\"name\":\"..\"}", status: [400], names: [".."]),
            Case(path: "/repositories/fork", body: "{\"source_org\":\"o\"}", status: [422], names: ["source_repo"]),
            Case(method: "GET", path: "/public/repositories/o/r", status: [404], names: ["o/r"]),
            Case(method: "PUT", path: "/env_vars", body: "{\"vars\":{\"A B\":\"\"}}", status: [400], names: ["A B"]),
            Case(
                path: "/domains",
                body: "{\"domain\":\"a..b\",\"vm_id\":\"\(nobody)\"}",
                status: [400],
                names: ["a..b"]
            ),
            Case(path: "/vm/from_commit", body: "{}", status: [400, 422]),
            Case(method: "GET", path: "/commits?limit=0", status: [400], names: ["limit", "0", "100"]),
            Case(method: "GET", path: "/commits?limit=101", status: [400], names: ["limit", "101"]),
            Case(method: "GET", path: "/commits?offset=-1", status: [400], names: ["offset", "-1"]),
            Case(method: "GET", path: "/commits?limit=many", status: [400], names: ["limit", "many"]),
            Case(method: "GET", path: "/nowhere", status: [404]),
            Case(method: "PUT", path: "/vms", body: "{}", status: [405]),
        ]

        static let bodies = [
            Case(path: "/vm/new_root", body: "", status: [400]),
            Case(path: "/vm/new_root", body: "not json", status: [400]),
            Case(path: "/vm/new_root", body: "[]", status: [400, 422]),
            Case(path: "/vm/new_root", body: "{\"vm_config\":{\"mem_size_mib\":128", status: [400]),
            Case(path: "/vm/new_root", body: "{}", status: [422], names: ["vm_config"]),
            Case(path: "/vm/new_root", body: String(repeating: "[", count: 100_000), status: [400]),
            Case(path: "/vm/new_root", body: "\u{1}\u{2}\u{3}", status: [400]),
        ]

        @Test(arguments: sizes + namesAndPaths + bodies) func `is refused, and nothing is made`(bad: Case) async throws
        {
            try await expectRefusal(bad)
            #expect(Leftovers.names(in: instance.home.appending("vms")).isEmpty)
            #expect(instance.machinesWithProcess().isEmpty)
        }

        @Test func `requests about a VM that runs are refused as well`() async throws {
            let client = try instance.client()
            let machine = try await client.newTiny()
            let vm = "/vm/\(machine)"
            let cases = [
                Case(path: "\(vm)/branch?count=0", status: [400, 422], names: ["count", "0"]),
                Case(path: "\(vm)/branch?count=-3", status: [400, 422], names: ["count", "-3"]),
                Case(path: "\(vm)/branch?count=1001", status: [400, 422], names: ["1001", "1000"]),
                Case(path: "\(vm)/branch?count=two", status: [400], names: ["count", "two"]),
                Case(path: "\(vm)/commit", body: "{\"name\":\"a/b\"}", status: [400, 422], names: ["a/b"]),
                Case(path: "\(vm)/commit", body: "{\"commit_id\":\"x\"}", status: [422], names: ["commit_id"]),
                Case(
                    method: "PATCH",
                    path: "\(vm)/state",
                    body: "{\"state\":\"Flying\"}",
                    status: [422],
                    names: ["state"]
                ),
                Case(
                    method: "PATCH",
                    path: "\(vm)/disk",
                    body: "{\"fs_size_mib\":10}",
                    status: [400, 422],
                    names: ["10"]
                ),
                Case(method: "PATCH", path: "\(vm)/disk", body: "{\"fs_size_mib\":\"big\"}", status: [422]),
                Case(path: "\(vm)/exec", body: "{\"command\":[]}", status: [400, 422], names: ["command"]),
                Case(path: "\(vm)/exec", body: "{\"command\":\"ls\"}", status: [422], names: ["command"]),
                Case(path: "\(vm)/exec", body: "{\"command\":[\"a\\u0000b\"]}", status: [400, 422]),
                Case(
                    path: "\(vm)/exec",
                    body: "{\"command\":[\"ls\"],\"timeout_secs\":-1}",
                    status: [422],
                    names: ["timeout_secs"]
                ),
                Case(method: "GET", path: "\(vm)/files?path=relative", status: [400], names: ["relative"]),
                Case(method: "GET", path: "\(vm)/files?path=/tmp", status: [400]),
                Case(method: "GET", path: "\(vm)/files?path=/none", status: [404], names: ["/none"]),
                Case(
                    method: "PUT",
                    path: "\(vm)/files",
                    body: "{\"path\":\"/tmp/x\",\"content_b64\":\"%%%\"}",
                    status: [400, 422]
                ),
                Case(method: "GET", path: "\(vm)/console?limit=99999999", status: [400], names: ["limit"]),
            ]
            for bad in cases { try await expectRefusal(bad) }
            #expect(try await client.machines().map(\.vm_id) == [machine])
            #expect(try await client.commits().total == 0)
            // Fields that a newer client may send change nothing.
            let unknown = try await instance.raw(
                "PATCH",
                "\(vm)/label",
                body: "{\"labels\":{\"a\":\"b\"},\"later\":[1,2]}"
            )
            #expect(unknown.status == 200)
            try await client.deleteMachine(machine)
        }

        @Test func `a body of 100 MB is refused without being kept`() async throws {
            let body = String(repeating: "x", count: 100_000_000)
            let answer = try await instance.raw("POST", "/vm/new_root", body: body)
            #expect(answer.status == 413)
            #expect(answer.error?.code == .payloadTooLarge)
            #expect(answer.error?.error.contains("MiB") == true || answer.error?.error.contains("8388608") == true)
        }

        @Test(arguments: ["", "Bearer", "Bearer x", "Basic eDp5"]) func `a wrong key is refused with JSON`(
            authorization: String
        ) async throws {
            for path in ["/vms", "/vm/\(Self.nobody)/status", "/commits"] {
                let answer = try await instance.raw("GET", path, authorization: authorization)
                #expect(answer.status == 401)
                #expect(answer.error?.code == .unauthenticated)
            }
        }

        @Test func `slow clients do not keep others waiting`() async throws {
            let slow = try (0..<50).map { _ in try instance.startSlowRequest() }
            let client = try instance.client()
            #expect(try await client.machines().isEmpty)
            for connection in slow { connection.close() }
        }

        private func expectRefusal(_ bad: Case) async throws {
            let answer = try await instance.raw(bad.method, bad.path, body: bad.body)
            #expect(
                bad.status.contains(answer.status),
                "\(bad.testDescription): \(answer.status) \(answer.body.prefix(300))"
            )
            let error = try #require(answer.error, "\(bad.testDescription): \(answer.body.prefix(300))")
            #expect(!error.success)
            for name in bad.names { #expect(error.error.contains(name), "\(bad.testDescription): \(error.error)") }
            #expect(error.error.utf8.count < 1000)
        }
    }
}
