// swift-tools-version: 6.2
import PackageDescription

// The guest's side is a package of its own with no dependencies, so that the static build of the agent
// compiles nothing else. The host takes `GuestProtocol` from here: one definition of the wire for both sides.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "Guest",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "GuestProtocol", targets: ["GuestProtocol"]),
        .library(name: "GuestAgent", targets: ["GuestAgent"]),
        // Not `vers-agent`: a build of the host's package makes this, too, linked dynamically, and would put it in the place of
        // the static one that `build.sh` makes.
        .executable(name: "guest-agent", targets: ["guest-agent"]),
    ],
    targets: [
        .target(name: "CFraming"),
        .target(name: "GuestProtocol", dependencies: ["CFraming"], swiftSettings: settings),
        .target(name: "CGuest"),
        .target(name: "GuestAgent", dependencies: ["GuestProtocol", "CGuest"], swiftSettings: settings),
        .executableTarget(name: "guest-agent", dependencies: ["GuestAgent"], swiftSettings: settings),
    ]
)
