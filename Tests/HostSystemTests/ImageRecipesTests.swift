import Foundation
import SystemPackage
import Testing

@testable import HostSystem

@Suite("the command that makes an image")
struct ImageRecipesTests {
    @Test("is the installed script where there is one, and the target of the sources elsewhere")
    func command() throws {
        let prefix = FilePath(NSTemporaryDirectory()).appending("recipes-\(UUID().uuidString)")
        let script = prefix.appending("share/vers/images/build.sh")
        defer { try? FileManager.default.removeItem(atPath: prefix.string) }
        try FileManager.default.createDirectory(
            atPath: script.removingLastComponent().string,
            withIntermediateDirectories: true
        )
        let executable = prefix.appending("bin/versd")
        #expect(ImageRecipes.command(into: "/i", besides: executable) == "make image")
        #expect(
            FileManager.default.createFile(atPath: script.string, contents: nil, attributes: [.posixPermissions: 0o755])
        )
        #expect(ImageRecipes.command(into: "/i", besides: executable) == "\(script) default /i")
    }
}
