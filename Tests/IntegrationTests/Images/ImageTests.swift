import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Images {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        private func console(_ machine: String) async throws -> [String] {
            // A console ends its lines with a carriage return, too.
            try await instance.ok("logs \(machine)").stdout.split(whereSeparator: \.isNewline).map(String.init)
        }

        private func waitForConsole(_ machine: String, _ line: String) async throws {
            try await eventually("'\(line)' on the console") { try await console(machine).contains(line) }
        }

        @Test func `a saved image runs its command as its user, lives through branches, and is deleted last`()
            async throws
        {
            let archive = try await ContainerArchive(directory: instance.work).write(
                "saved.tar.gz",
                .docker,
                """
                {"Entrypoint": ["sh", "-c"], "Cmd": ["echo user $(id -u) in $PWD; cat own; \
                echo; trap 'echo stopped as asked; exit 0' USR1; n=0; while :; do sleep 1 & wait $!; done"], \
                "Env": ["PATH=/bin", "COLOUR=blue"], "User": "app", "WorkingDir": "/data", "StopSignal": "SIGUSR1"}
                """
            )
            let imported = try await instance.ok("image import \(archive) --name app")
            #expect(imported.stdout.contains("Image 'app' is ready"))
            try await instance.ok("run --rootfs app --mem-size 128 -N root")
            try await waitForConsole("root", "user 1000 in /data")
            try await waitForConsole("root", "kept")
            let look =
                "echo $COLOUR; ls /etc; ls /proc/1/exe /dev/pts /dev/fd/0 >/dev/null && grep -c tmpfs /proc/mounts"
            let seen = try await instance.ok("execute root --", look).lines
            #expect(seen.first == "blue" && seen.contains("passwd") && !seen.contains("secret"))
            #expect(try await instance.ok("execute root --", "ls -ld /data").text.contains("1000"))

            try await instance.ok("branch root -n child")
            let running = try await instance.ok("execute child --", "ps").stdout
            #expect(running.contains("app"))
            #expect(!(try await console("child").contains("user 1000 in /data")))
            let commit = try await instance.ok("commit root -q").text

            // A stop asks the command first; a start runs it again.
            try await instance.ok("stop root")
            try await waitForConsole("root", "stopped as asked")
            try await instance.ok("start root")
            try await eventually("the command to run again") {
                try await console("root").filter { $0 == "user 1000 in /data" }.count == 2
            }

            let refused = try await instance.vers(["image", "delete", "app"])
            #expect(refused.status == 4 && refused.stderr.contains("2 VM(s)"))
            try await instance.ok("kill -y -r root")
            let stillRefused = try await instance.vers(["image", "delete", "app"])
            #expect(stillRefused.status == 4 && stillRefused.stderr.contains("1 commit(s)"))
            try await instance.ok("commit delete \(commit)")
            try await instance.ok("image delete app")
            #expect(Leftovers.names(in: instance.home.appending("base-images")) == [])
        }

        @Test func `an OCI layout runs, and the machine stays when its command ends`() async throws {
            let archive = try await ContainerArchive(directory: instance.work).write(
                "layout.tar",
                .oci,
                #"{"Cmd": ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"], "Env": ["PATH=/bin"]}"#
            )
            let result = try await instance.ok("image import \(archive) --name layout --size-mib 600 --format json")
            struct Imported: Decodable {
                var image_id: String
                var size_mib: Int
                var status: String
            }
            let image = try result.json(Imported.self)
            #expect(image.size_mib == 600 && image.status == "ready")
            let machine = try await client.createMachine(
                MachineConfiguration(mem_size_mib: 128, image_name: "layout"),
                waitForBoot: true
            )
            try await waitForConsole(machine.text, "vers-agent: the image's command has ended with status 7")
            let lines = try await console(machine.text)
            #expect(lines.contains("out") && lines.contains("err"))
            #expect(try await client.state(of: machine) == .running)
            // It is a command like others, with an id that is known before.
            let logs = try await instance.ok("execute \(machine) --", "env")
            #expect(logs.stdout.contains("PATH=/bin\n"))
            try await client.deleteMachine(machine)
            try await client.deleteImage(try #require(BaseImageID(image.image_id)))
        }

        @Test func `an image with an init boots it, with the image's environment`() async throws {
            let archive = try await ContainerArchive(directory: instance.work).write(
                "init.tar",
                .oci,
                #"{"Init": true, "Cmd": ["/bin/sh"], "Env": ["PATH=/bin", "GREETING=from the init"]}"#
            )
            try await instance.ok("image import \(archive) --name init -q")
            let machine = try await client.createMachine(
                MachineConfiguration(mem_size_mib: 128, image_name: "init"),
                waitForBoot: true
            )
            // The agent answers as soon as the init is started, whose script may still be at work.
            try await eventually("the init's greeting") { try await client.sh(machine, "cat /greeting || :") != "" }
            #expect(try await client.sh(machine, "cat /greeting; cat /proc/1/comm") == "from the init\ninit")
            try await client.deleteMachine(machine)
            try await instance.ok("image delete init")
        }

        @Test func `what is no image is refused without a trace`() async throws {
            let before = Leftovers.names(in: instance.home.appending("base-images"))
            let file = instance.work.appending("broken.tar")
            try Data(repeating: 65, count: 100_000).write(to: URL(filePath: file.string))
            let result = try await instance.vers(["image", "import", file.string])
            #expect(result.status == 5 && result.stderr.contains("broken"))
            #expect(try await client.imageStatus("broken").status == .failed)
            try await eventually("the end of its files") {
                Leftovers.names(in: instance.home.appending("base-images")) == before
            }
            for (arguments, status) in [
                (["image", "import", "nowhere.tar"], Int32(3)), (["image", "import", "Not A Name"], 5),
                (["image", "status", "nowhere"], 3), (["image", "delete", "nowhere"], 3),
                (["image", "delete", "tiny"], 2), (["run", "--rootfs", "broken"], 4),
            ] {
                #expect(try await instance.vers(arguments).status == status, "\(arguments)")
            }
        }

        @Test func `a daemon that is killed makes the image all the same`() async throws {
            let archive = try await ContainerArchive(directory: instance.work).write(
                "again.tar",
                .oci,
                #"{"Cmd": ["/bin/sh", "-c", "echo again"]}"#
            )
            _ = try await client.uploadImage(archive, name: "again")
            try await instance.endDaemon(SIGKILL)
            try await instance.startDaemon()
            let next = try instance.client()
            try await eventually("the image") { try await next.imageStatus("again").status == .ready }
            try await instance.ok("image delete again")
        }
    }
}
