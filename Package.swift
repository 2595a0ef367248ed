// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled with the same language rules, and a warning is an error.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let guestProtocol: Target.Dependency = .product(name: "GuestProtocol", package: "Guest")
let guestAgent: Target.Dependency = .product(name: "GuestAgent", package: "Guest")

let package = Package(
    name: "vers",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "vers", targets: ["vers"]),
        .executable(name: "versd", targets: ["versd"]),
        .library(name: "VersClient", targets: ["VersClient"]),
    ],
    dependencies: [
        .package(path: "Guest"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // Leaves: no knowledge of the product.
        .target(name: "CHost", path: "Sources/CHost"),
        .target(name: "HostSystem", dependencies: ["CHost", systemPackage, nioPosix], swiftSettings: settings),
        .systemLibrary(
            name: "CCrypto",
            path: "Sources/CCrypto",
            pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]
        ),
        .target(name: "KeyMaterial", dependencies: ["CCrypto", "VersCore", "VersAPI"], swiftSettings: settings),
        .target(name: "QMP", dependencies: ["CHost", nioCore, nioPosix, logging], swiftSettings: settings),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CExt4",
            path: "Sources/CExt4",
            linkerSettings: [.linkedLibrary("ext2fs"), .linkedLibrary("com_err")]
        ),
        .target(name: "TerminalUI", dependencies: [systemPackage], swiftSettings: settings),

        // The wire: inert types shared by server, client and command line.
        .target(name: "VersAPI", swiftSettings: settings),

        // The domain and its seams.
        .target(
            name: "VersCore",
            dependencies: ["VersAPI", logging, systemPackage, lifecycle],
            swiftSettings: settings
        ),

        // Implementations of the seams.
        .target(
            name: "QEMU",
            dependencies: [
                "QMP", "HostSystem", "VersCore", "VersAPI", logging, systemPackage, nioCore, nioPosix,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "HostNetwork",
            dependencies: [
                "CHost", "HostSystem", "VersCore", "VersAPI", logging, systemPackage,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "GuestConnection",
            dependencies: [
                guestProtocol, "HostSystem", "VersCore", "VersAPI", logging, systemPackage, nioCore, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "InstanceStore",
            dependencies: [
                "CCrypto", "KeyMaterial", "HostSystem", "VersCore", "VersAPI", logging, systemPackage,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "MetadataStore",
            dependencies: [
                "VersCore", "VersAPI", logging, systemPackage,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),

        // Root disks out of container images, in a process of their own.
        .target(
            name: "ImageArchive",
            dependencies: [
                "CExt4", "CZlib", "KeyMaterial", "HostSystem", "VersCore", "VersAPI", guestProtocol, systemPackage,
                nioCore,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "vers-image",
            dependencies: ["ImageArchive", "HostSystem", "VersCore", "VersAPI", argumentParser, systemPackage],
            swiftSettings: settings
        ),

        // The HTTP API and its client.
        .target(
            name: "VersServer",
            dependencies: ["VersCore", "VersAPI", hummingbird, logging, lifecycle, nioCore, systemPackage],
            swiftSettings: settings
        ),
        // TLS from outside into guests.
        .target(
            name: "FrontDoor",
            dependencies: [
                "KeyMaterial", "HostSystem", "VersCore", "VersAPI", logging, lifecycle, systemPackage, nioCore,
                nioPosix,
                nioTLS, nioSSL,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "VersClient",
            dependencies: [
                "VersAPI", logging, nioCore, nioPosix, nioSSL, systemPackage,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),

        // The command line.
        .target(
            name: "VersCommands",
            dependencies: [
                "VersAPI", "VersClient", "TerminalUI", "HostSystem", argumentParser, systemPackage, nioCore, nioPosix,
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: settings
        ),
        // What measures.
        .target(
            name: "Benchmarking",
            dependencies: [
                "VersAPI", "VersClient", "VersCore", "InstanceStore", "MetadataStore", "GuestConnection", "QMP",
                "HostSystem", logging, systemPackage, nioCore, nioPosix, nioSSL,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "vers-bench",
            dependencies: ["Benchmarking", argumentParser, systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BenchmarkingTests",
            dependencies: ["Benchmarking", "VersAPI"],
            swiftSettings: settings
        ),

        .executableTarget(name: "vers", dependencies: ["VersCommands"], swiftSettings: settings),
        .executableTarget(
            name: "versd",
            dependencies: [
                "VersServer", "FrontDoor", "VersCore", "VersAPI", "QEMU", "HostNetwork", "GuestConnection",
                "InstanceStore", "MetadataStore", "KeyMaterial", "HostSystem",
                argumentParser, logging, lifecycle, systemPackage, hummingbird,
            ],
            swiftSettings: settings
        ),

        // Tests. Those of the engine boot small guests under emulation; the others start no machine.
        .testTarget(
            name: "HostSystemTests",
            dependencies: ["HostSystem", systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RAMLayersTests",
            dependencies: ["TestSupport", "HostSystem", systemPackage],
            exclude: ["Program"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "QMPTests",
            dependencies: ["QMP", "TestSupport", nioCore, nioPosix, logging],
            swiftSettings: settings
        ),
        .testTarget(
            name: "QEMUTests",
            dependencies: ["QEMU", "HostSystem", "VersCore", "VersAPI", systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EngineTests",
            dependencies: ["EngineTestSupport", "QEMU", "HostSystem", "VersCore", "VersAPI", systemPackage],
            swiftSettings: settings
        ),
        .target(
            name: "EngineTestSupport",
            dependencies: ["QEMU", "HostSystem", "VersCore", "VersAPI", logging, systemPackage],
            path: "Tests/EngineTestSupport",
            exclude: ["Guest"],
            swiftSettings: settings
        ),
        .testTarget(name: "VersAPITests", dependencies: ["VersAPI"], swiftSettings: settings),
        .target(
            name: "TestSupport",
            dependencies: [systemPackage],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "APITestSupport",
            dependencies: [
                "TestSupport", "VersServer", "VersClient", "VersCore", "VersAPI", "MetadataStore", "KeyMaterial",
                logging, lifecycle, systemPackage, nioCore, nioPosix,
            ],
            path: "Tests/APITestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "VersServerTests",
            dependencies: [
                "APITestSupport", "VersServer", "VersClient", "VersCore", "VersAPI", "MetadataStore", systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VersClientTests",
            dependencies: [
                "APITestSupport", "VersClient", "VersAPI", nioCore, nioPosix, systemPackage,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HostNetworkTests",
            dependencies: ["HostNetwork", "VersCore", "VersAPI", systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FrontDoorTests",
            dependencies: [
                "TestSupport", "FrontDoor", "KeyMaterial", "VersClient", "VersCore", "VersAPI", logging, lifecycle,
                systemPackage, nioCore, nioPosix, nioSSL, .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "GuestProtocolTests", dependencies: [guestProtocol, "TestSupport"], swiftSettings: settings),
        .testTarget(name: "GuestAgentTests", dependencies: [guestAgent, guestProtocol], swiftSettings: settings),
        .testTarget(
            name: "GuestConnectionTests",
            dependencies: [
                "GuestConnection", guestAgent, guestProtocol, "VersCore", "VersAPI", logging, systemPackage, nioCore,
                nioPosix,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "TerminalUITests", dependencies: ["TerminalUI", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "VersCommandsTests",
            dependencies: [
                "VersCommands", "TerminalUI", "HostSystem", "VersAPI", "VersServer", "APITestSupport", "TestSupport",
                "vers", argumentParser, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VersCoreTests",
            dependencies: [
                "APITestSupport", "TestSupport", "VersServer", "VersClient", "VersCore", "VersAPI", "MetadataStore",
                "InstanceStore", "KeyMaterial", logging, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "MetadataStoreTests",
            dependencies: [
                "TestSupport", "MetadataStore", "VersCore", "VersAPI", systemPackage,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "InstanceStoreTests",
            dependencies: ["TestSupport", "InstanceStore", "VersCore", "VersAPI", systemPackage],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ImageArchiveTests",
            dependencies: [
                "TestSupport", "ImageArchive", "HostSystem", "KeyMaterial", "VersCore", "VersAPI", guestProtocol,
                systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "KeyMaterialTests", dependencies: ["KeyMaterial", "VersCore"], swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "VersClient", "VersAPI", "VersCore", "HostSystem", systemPackage, nioCore, nioPosix, nioSSL, "vers",
                "versd",
                "vers-image",
            ],
            exclude: ["Guest"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "engine-check",
            dependencies: [
                "EngineTestSupport", "QEMU", "HostSystem", "VersCore", "VersAPI", argumentParser, systemPackage,
            ],
            path: "Tests/KVM/engine-check",
            swiftSettings: settings
        ),
    ]
)
