import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersClient

@Suite struct RequestPlanTests {
    @Test func queryValuesAreEscaped() {
        let plan = RequestPlan(.get, "/vm/x/files", query: [URLQueryItem(name: "path", value: "/a b+c&d=é")])
        #expect(plan.target == "/api/v1/vm/x/files?path=%2Fa%20b%2Bc%26d%3D%C3%A9")
    }

    @Test(arguments: ["", "localhost:1", "ftp://host", "http://", "http://host/path", "http://host?x=1"])
    func refusesWhatIsNoOrigin(text: String) {
        let error = #expect(throws: VersError.self) { try ServerAddress.url(text).origin() }
        #expect(error?.code == .invalidArgument)
    }

    @Test func acceptsOriginsWithAndWithoutASlash() throws {
        #expect(try ServerAddress.url("http://127.0.0.1:80/").origin() == "http://127.0.0.1:80")
        #expect(try ServerAddress.unixSocket(FilePath("/a/b.sock")).origin() == "http+unix://%2Fa%2Fb%2Esock")
    }
}
