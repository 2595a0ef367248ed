import Foundation
import SystemPackage
import Testing

/// What the tests are run with. `make test-integration` sets all of it.
///
/// - `VERS_TEST_BIN`: the directory of `vers`, `versd` and `libramlayers.so`; `.build/debug` when absent.
/// - `VERS_TEST_IMAGES`: a directory with the images `tiny` and `default`, as `images/build.sh` makes it.
/// - `VERS_TEST_KEEP`: `1` keeps the directory of an instance in which a test failed.
enum TestEnvironment {
    static let binaries = FilePath(
        variable("VERS_TEST_BIN") ?? "\(FileManager.default.currentDirectoryPath)/.build/debug"
    )
    static let images = variable("VERS_TEST_IMAGES").map { FilePath($0) }
    static let keepsFailedInstances = variable("VERS_TEST_KEEP") == "1"
    static let isRoot = geteuid() == 0
    /// Below `/tmp` whatever `TMPDIR` says: the path of a Unix socket has at most 107 bytes.
    static let directory: FilePath = "/tmp"

    static func hasImage(_ name: String) -> Bool {
        guard let images else { return false }
        return FileManager.default.fileExists(atPath: images.appending("\(name)/current/manifest.json").string)
    }

    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips with the reason when the image is not there.
    static func needs(image: String) -> Self {
        .enabled(if: TestEnvironment.hasImage(image), "no image '\(image)' in VERS_TEST_IMAGES: make test-integration")
    }
}

/// All of them. A suite's tests run one after the other.
@Suite(.lane) struct IntegrationTests {}
