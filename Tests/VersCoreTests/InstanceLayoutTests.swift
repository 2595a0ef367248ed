import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct InstanceLayoutTests {
    private let layout = InstanceLayout(home: "/srv/vers")
    private let id = "0f0f0f0f-0000-4000-8000-000000000001"

    @Test func `everything lies below the home`() {
        let paths = [
            layout.database, layout.ownerKey, layout.daemonDescription, layout.socket, layout.daemonLog, layout.lock,
            layout.images, layout.commits, layout.machines,
        ]
        #expect(Set(paths).count == paths.count)
        #expect(paths.allSatisfy { $0.removingLastComponent() == "/srv/vers" })
    }

    @Test func `ids become directory names in lower case`() throws {
        let machine = try #require(MachineID(id.uppercased()))
        let commit = try #require(CommitID(id))
        #expect(layout.directory(of: machine).string == "/srv/vers/vms/\(id)")
        #expect(layout.file(.disk, of: commit).string == "/srv/vers/commits/\(id)/disk.qcow2")
        #expect(layout.consoles(of: machine).map(\.string).contains("/srv/vers/vms/\(id)/console.log"))
    }

    @Test(arguments: [
        "", "..", "../../etc", "0f0f0f0f-0000-4000-8000-00000000000", "0f0f0f0f-0000-4000-8000-0000000000011",
    ])
    func `what is no UUID is no id, so that no path leaves the home`(text: String) {
        #expect(MachineID(text) == nil)
        #expect(CommitID(text) == nil)
    }
}
