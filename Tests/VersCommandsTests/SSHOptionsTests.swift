import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCommands

@Suite struct SSHOptionsTests {
    private let test: TestContext
    private let machine = MachineID()

    init() throws { test = try TestContext() }

    private func options(executable: FilePath? = "/opt/my vers/vers") throws -> SSHOptions {
        var context = test.context
        context.executable = executable
        let files = SSHKeyFiles(context).files(of: machine)
        return try SSHOptions(machine: machine, files: files, context: context, setting: ["VERS_HOME": "/a 100%"])
    }

    /// What ssh prints, by lines.
    private func openSSH(_ arguments: String...) throws -> Set<String> {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/ssh")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Set(text.split(separator: "\n").map(String.init))
    }

    @Test func `OpenSSH reads a block as it is meant`() throws {
        let block = try options().block(names: ["web", machine.text])
        try test.write(block, to: "work/config")
        let lines = try openSSH("-G", "-F", "\(test.root)/work/config", "web")
        #expect(lines.contains("user root"))
        #expect(lines.contains("proxycommand env 'VERS_HOME=/a 100%%' '/opt/my vers/vers' ssh-proxy \(machine)"))
        #expect(lines.contains("identityfile \(test.root)/home/.cache/vers/ssh/\(machine).key"))
        #expect(lines.contains("stricthostkeychecking true") && lines.contains("forwardagent no"))
        #expect(lines.contains("hostkeyalias \(machine)"))
    }

    @Test func `arguments and block say the same`() throws {
        let options = try options()
        #expect(options.arguments.count == 2 + 2 * options.settings.count)
        #expect(options.arguments.starts(with: ["-F", "none", "-o", "User=root"]))
    }

    @Test func `a path that a configuration cannot hold is refused`() throws {
        #expect(throws: VersError.self) { try options(executable: "/a\"b/vers") }
        #expect(throws: VersError.self) { try options(executable: nil) }
    }

    @Test func `the configuration is included once, before everything else`() throws {
        try test.write("Host x\n    User y\n", to: "home/.ssh/config")
        let file = SSHConfigFile(test.context, accountHome: "\(test.root)/home")
        try file.replace(with: "Host web\n")
        #expect(try file.include() && !file.include())
        #expect(test.read("home/.ssh/config") == "Include vers.config\n\nHost x\n    User y\n")
        #expect(test.read("home/.ssh/vers.config")?.hasSuffix("Host web\n") == true)
        #expect(test.mode(of: "home/.ssh/vers.config") == 0o600 && test.mode(of: "home/.ssh/config") == 0o600)
    }

    @Test func `another home than the account's is named in full`() throws {
        let file = SSHConfigFile(test.context, accountHome: "/root")
        try file.replace(with: "Host web\n    User someone\n")
        #expect(try file.include() && !file.include() && !file.isRead)
        #expect(test.read("home/.ssh/config") == "Include \"\(test.root)/home/.ssh/vers.config\"\n\n")
        let shown = try openSSH("-G", "-F", "\(test.root)/home/.ssh/config", "web")
        #expect(shown.contains("user someone"))
    }

    @Test func `a command by SSH is one line for any shell`() {
        var request = ExecRequest(command: ["sh", "-c", "echo $A", "it's"])
        #expect(SSHExecution.line(for: request) == #"sh -c 'echo $A' 'it'\''s'"#)
        request.working_dir = "/a b"
        request.env = ["A": "1 2"]
        #expect(SSHExecution.line(for: request) == #"cd -- '/a b' && env 'A=1 2' sh -c 'echo $A' 'it'\''s'"#)
    }
}

@Suite struct TunnelSpecificationTests {
    @Test func `ports and hosts`() throws {
        let plain = try TunnelSpecification("8080:80")
        #expect(plain.listening == 8080 && plain.host == nil && plain.target == 80)
        #expect(plain.sshForwarding == "8080:localhost:80")
        let other = try TunnelSpecification("0:db.internal:5432")
        #expect(other.listening == 0 && other.host == "db.internal" && other.target == 5432)
        let address = try TunnelSpecification("1:[fe80::1%eth0]:2")
        #expect(address.host == "fe80::1%eth0" && address.sshForwarding == "1:[fe80::1%eth0]:2")
    }

    @Test(
        arguments: [
            "", ":", "80", "80:", ":80", "a:80", "80:0", "80:65536", "-1:80", "1:-o:2", "1::2", "1:a b:2",
            "1:fe80::1:2",
            "+1:80", "1:a:b:2",
        ]
    )
    func `nonsense is refused`(text: String) {
        #expect(throws: VersError.self) { try TunnelSpecification(text) }
    }
}
