import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct ImageServiceTests {
    private let owner = Principal(keyID: KeyID(), organisationID: .owner)
    private let stranger = Principal(keyID: KeyID(), organisationID: OrganisationID())

    private func request(_ name: String, _ reference: String = "debian") -> ImageCreateRequest {
        ImageCreateRequest(image_name: name, source: .init(type: .docker, image_ref: reference))
    }

    private func wait(_ name: String, for status: ImageStatus, _ images: ImageService) async throws {
        try await withDeadline(.seconds(60), "image \(name)") { [owner] in
            while try await images.status(ofImageNamed: name, for: owner).status != status {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> ErrorCode? {
        await #expect(throws: VersError.self) { try await body() }?.code
    }

    @Test func `an image is made, listed, started from, and deleted when nothing rests on it`() async throws {
        try await TestDomain.run { test in
            try await test.withImages { images, builder in
                let job = try await images.create(request("app", "debian:12"), for: owner)
                try await wait("app", for: .ready, images)
                #expect(builder.requests.map(\.source) == [.reference("debian:12")])
                #expect(builder.requests.first?.size == .extra(256))
                let page = try await images.list(limit: 10, offset: 0, for: owner)
                #expect(page.images.map(\.image_name) == ["app"] && page.images[0].size_mib == 40)
                let configuration = MachineConfiguration(mem_size_mib: 128, image_name: "app")
                let machine = try await test.machines.create(configuration, waitForBoot: true, for: owner)
                #expect(test.guests.workloads == 1)
                #expect(await refusal { try await images.delete(job.job_id, for: owner) } == .inUse)
                let commit = try await test.commit(machine)
                _ = try await test.machines.delete(machine, recursive: true, skipWaitBoot: false, for: owner)
                #expect(await refusal { try await images.delete(job.job_id, for: owner) } == .inUse)
                try await test.commits.delete(commit, for: owner)
                try await images.delete(job.job_id, for: owner)
                #expect(test.imageDirectories() == [])
                #expect(try test.commitDirectories() == [])
                #expect(
                    await refusal {
                        _ = try await test.machines.create(configuration, waitForBoot: true, for: owner)
                    } == .notFound
                )
            }
        }
    }

    @Test func `the command starts once in every root, and not in what is branched from it`() async throws {
        try await TestDomain.run { test in
            try await test.withImages { images, _ in
                _ = try await images.create(request("app"), for: owner)
                try await wait("app", for: .ready, images)
                let configuration = MachineConfiguration(mem_size_mib: 128, image_name: "app")
                let machine = try await test.machines.create(configuration, waitForBoot: true, for: owner)
                _ = try await test.machines.create(configuration, waitForBoot: true, for: owner)
                let byID = try await images.status(ofImageNamed: "app", for: owner).base_image_id.text
                _ = try await test.machines.create(
                    MachineConfiguration(mem_size_mib: 128, image_name: byID),
                    waitForBoot: true,
                    for: owner
                )
                #expect(test.guests.workloads == 3)
                _ = try await test.branch(machine, count: 2)
                #expect(test.guests.workloads == 3)
            }
        }
    }

    @Test func `names belong to an organisation`() async throws {
        try await TestDomain.run { test in
            try await test.withImages { images, _ in
                let job = try await images.create(request("app"), for: owner)
                try await wait("app", for: .ready, images)
                #expect(await refusal { _ = try await images.create(request("app"), for: owner) } == .alreadyExists)
                _ = try await images.create(request("app"), for: stranger)
                #expect(await refusal { try await images.delete(job.job_id, for: stranger) } == .notFound)
                let other = Principal(keyID: KeyID(), organisationID: OrganisationID())
                #expect(await refusal { _ = try await images.status(ofImageNamed: "app", for: other) } == .notFound)
                let configuration = MachineConfiguration(image_name: "app")
                #expect(
                    await refusal {
                        _ = try await test.machines.create(configuration, waitForBoot: true, for: other)
                    } == .notFound
                )
            }
        }
    }

    @Test func `what failed says why, leaves nothing, and makes room for its name`() async throws {
        try await TestDomain.run { test in
            try await test.withImages { images, builder in
                builder.fail(with: VersError(.notFound, "no such image", hint: "look again"))
                _ = try await images.create(request("app"), for: owner)
                try await wait("app", for: .failed, images)
                let status = try await images.status(ofImageNamed: "app", for: owner)
                #expect(status.error_message == "no such image; look again" && status.error_code == .notFound)
                // Once it is recorded that they are not needed.
                try await withDeadline(.seconds(60), "the end of the image's files") {
                    while !test.imageDirectories().isEmpty { try await Task.sleep(for: .milliseconds(2)) }
                }
                let configuration = MachineConfiguration(image_name: "app")
                #expect(
                    await refusal {
                        _ = try await test.machines.create(configuration, waitForBoot: true, for: owner)
                    } == .conflict
                )
                builder.fail(with: nil)
                _ = try await images.create(request("app"), for: owner)
                try await wait("app", for: .ready, images)
                #expect(try await images.list(limit: 10, offset: 0, for: owner).total == 1)
            }
        }
    }

    @Test func `a job survives the daemon, and what no record speaks of goes`() async throws {
        try await TestDomain.run { test in
            let stray = test.layout.directory(of: BaseImageID())
            try FileManager.default.createDirectory(atPath: stray.string, withIntermediateDirectories: true)
            let held = ScriptedBuilder()
            held.hold()
            try await test.withImages(held) { images, _ in
                let upload = try await images.beginUpload(name: "app", sizeMiB: 600, length: 5, for: owner)
                try await upload.write(Array("bytes".utf8))
                _ = try await upload.complete()
                try await wait("app", for: .unpacking, images)
            }
            #expect(!FileManager.default.fileExists(atPath: stray.string))
            try await test.withImages { images, builder in
                try await wait("app", for: .ready, images)
                let request = try #require(builder.requests.first)
                guard case .archive(let archive) = request.source else { throw VersError(.internal, "no archive") }
                #expect(request.size == .exactly(600))
                #expect(!FileManager.default.fileExists(atPath: archive.string))
            }
            // Complete on the disk, and not recorded as such.
            let image = try #require(try await test.domain.importedImages.importedImage(named: "app", of: .owner))
            try await test.domain.importedImages.update(image.id) { $0.state = .building }
            try await test.withImages { images, builder in
                try await wait("app", for: .ready, images)
                #expect(builder.requests.isEmpty)
            }
        }
    }

    @Test func `an image that is being made can be deleted`() async throws {
        try await TestDomain.run { test in
            let held = ScriptedBuilder()
            held.hold()
            try await test.withImages(held) { images, _ in
                let first = try await images.create(request("first"), for: owner)
                let second = try await images.create(request("second"), for: owner)
                try await wait("first", for: .unpacking, images)
                try await images.delete(second.job_id, for: owner)
                try await images.delete(first.job_id, for: owner)
                #expect(try await images.list(limit: 10, offset: 0, for: owner).total == 0)
                #expect(test.imageDirectories() == [])
            }
        }
    }

    @Test func `bad requests are refused before anything is made`() async throws {
        try await TestDomain.run { test in
            try await test.withImages { images, _ in
                let sources: [(ImageCreateRequest.Source, ErrorCode)] = [
                    (.init(type: .s3, bucket: "b", key: "k"), .unsupported),
                    (.init(type: .docker), .invalidField),
                    (.init(type: ImageSourceType(rawValue: "ftp")), .invalidField),
                    (.init(type: .docker, image_ref: "not a name"), .invalidArgument),
                ]
                for (source, code) in sources {
                    let request = ImageCreateRequest(image_name: "app", source: source)
                    #expect(await refusal { _ = try await images.create(request, for: owner) } == code)
                }
                for name in ["", "../x", "a/b", ".hidden", String(repeating: "n", count: 65)] {
                    #expect(
                        await refusal { _ = try await images.create(request(name), for: owner) } == .invalidArgument
                    )
                }
                for name in ["default"] {
                    #expect(await refusal { _ = try await images.create(request(name), for: owner) } == .alreadyExists)
                }
                var large = request("app")
                large.size_mib = 40_000
                #expect(await refusal { _ = try await images.create(large, for: owner) } == .invalidArgument)
                #expect(
                    await refusal {
                        _ = try await images.beginUpload(name: "a", sizeMiB: 100, length: nil, for: owner)
                    } == .invalidArgument
                )
                test.host.set(disk: 300)
                #expect(
                    await refusal {
                        _ = try await images.beginUpload(name: "a", sizeMiB: nil, length: 100 << 20, for: owner)
                    } == .resourceExhausted
                )
                #expect(test.imageDirectories() == [])
            }
        }
    }

    @Test func `an upload that is abandoned leaves nothing`() async throws {
        try await TestDomain.run { test in
            try await test.withImages { images, _ in
                let upload = try await images.beginUpload(name: "app", sizeMiB: nil, length: nil, for: owner)
                try await upload.write([1, 2, 3])
                await upload.abandon()
                #expect(test.imageDirectories() == [])
                #expect(await refusal { _ = try await images.status(ofImageNamed: "app", for: owner) } == .notFound)
            }
        }
    }
}
