import ArgumentParser
import Testing
import VersAPI

@testable import VersCommands

@Suite struct ParsingTests {
    private func parse<Command>(_ arguments: String..., as: Command.Type) throws -> Command {
        try #require(try VersCommand.parseAsRoot(arguments) as? Command)
    }

    @Test func run() throws {
        let command = try parse(
            "run",
            "--mem-size",
            "4096",
            "--vcpu-count",
            "4",
            "--fs-size-vm",
            "8192",
            "-N",
            "web",
            "--wait",
            as: Run.self
        )
        #expect(command.machine.memoryMiB == 4096)
        #expect(command.machine.vcpuCount == 4)
        #expect(command.machine.diskMiB == 8192)
        #expect(command.alias == "web")
    }

    @Test func runOfAnImageInTheWordsOfTheNewerTool() throws {
        let command = try parse(
            "run",
            "--detach",
            "--name",
            "api",
            "--cpus",
            "2",
            "--memory-mib",
            "256",
            "--disk-mib",
            "2048",
            "--env",
            "TOKEN",
            "--env",
            "MODE=test",
            "app",
            as: Run.self
        )
        #expect(command.detach && command.alias == "api" && command.image == "app")
        #expect(command.env == ["TOKEN", "MODE=test"])
        let machine = command.machine
        #expect(machine.vcpuCount == 2 && machine.memoryMiB == 256 && machine.diskMiB == 2048)
        #expect(throws: (any Error).self) { try parse("run", "--detach", "--wait", as: Run.self) }
        #expect(throws: (any Error).self) { try parse("run", "--rootfs", "a", "b", as: Run.self) }
    }

    @Test func branch() throws {
        let command = try parse("branch", "web", "-n", "x", "-c", as: Branch.self)
        #expect(command.source == "web" && command.alias == "x" && command.checkout && command.count == 1)
        #expect(try parse("branch", "--count", "3", as: Branch.self).count == 3)
    }

    @Test func commitIsShortForCreate() throws {
        #expect(try parse("commit", as: CommitCreate.self).vm == nil)
        #expect(try parse("commit", "web", "-n", "x", as: CommitCreate.self).vm == "web")
        #expect(try parse("commit", "create", "web", as: CommitCreate.self).vm == "web")
        #expect(try parse("commit", "list", "-q", as: CommitList.self).quiet.quiet)
        #expect(try parse("commit", "history", "5e0a", as: CommitHistory.self).commit.commit == "5e0a")
        #expect(try parse("commit", "delete", "a", "b", as: CommitDelete.self).commits == ["a", "b"])
    }

    @Test func oldNames() throws {
        #expect(try parse("ps", "-q", as: Status.self).quiet.quiet)
        let kill = try parse("kill", "-r", "-y", "a", "b", as: Delete.self)
        #expect(kill.recursive && kill.yes && kill.vms == ["a", "b"])
    }

    @Test func execute() throws {
        let command = try parse(
            "exec",
            "-i",
            "-w",
            "/srv",
            "-e",
            "A=1",
            "-e",
            "B",
            "-t",
            "5",
            "web",
            "--",
            "ls",
            "-la",
            "--format",
            as: Execute.self
        )
        #expect(command.interactive && !command.tty)
        #expect(command.workdir == "/srv" && command.env == ["A=1", "B"] && command.timeout == 5)
        #expect(command.words == ["web", "--", "ls", "-la", "--format"])
        #expect(try parse("execute", "--", "ls", "-i", as: Execute.self).words == ["--", "ls", "-i"])
        #expect(try parse("execute", "-w", "/", "--", "ls", as: Execute.self).words == ["--", "ls"])
        #expect(try parse("execute", "web", "ls", "-t", as: Execute.self).words == ["web", "ls", "-t"])
        #expect(try parse("execute", "--tty", "web", "top", as: Execute.self).tty)
    }

    @Test func everyCommandExplainsItselfWithExamples() {
        var pending = VersCommand.visibleSubcommands
        #expect(pending.count == 46)
        while let command = pending.popLast() {
            pending += command.visibleSubcommands
            let configuration = command.configuration
            #expect(!configuration.abstract.isEmpty, "\(command)")
            #expect(configuration.discussion.contains("EXAMPLES"), "\(command)")
        }
    }
}
