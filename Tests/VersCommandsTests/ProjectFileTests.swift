import ArgumentParser
import Testing
import VersAPI

@testable import VersCommands

@Suite struct ProjectFileTests {
    @Test func everyKey() throws {
        let file = try ProjectFile(
            parsing: """
                [machine]
                mem_size_mib = 2048
                vcpu_count = 2
                fs_size_vm_mib = 4096
                future = true
                [rootfs]
                name = "tiny"
                [kernel]
                name = "k"
                [builder]
                name = "none"
                """
        )
        #expect(file.memoryMiB == 2048 && file.vcpuCount == 2 && file.diskMiB == 4096)
        #expect(file.imageName == "tiny" && file.kernelName == "k")
    }

    @Test func theSynonymOfTheDiskSize() throws {
        #expect(try ProjectFile(parsing: "[machine]\nfs_size_mib = 2048").diskMiB == 2048)
        #expect(try ProjectFile(parsing: "[machine]\nfs_size_mib = 1\nfs_size_vm_mib = 2").diskMiB == 2)
        #expect(try ProjectFile(parsing: "[machine]\nfs_size_vm_mib = 0").diskMiB == nil)
    }

    @Test func syntaxErrorsNameTheLine() throws {
        let error = #expect(throws: VersError.self) { try ProjectFile(parsing: "[machine]\n\nmem_size_mib = = 3") }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("line 3") == true)
    }

    @Test(arguments: ["mem_size_mib = 0", "vcpu_count = -1", "mem_size_mib = \"x\"", "fs_size_vm_mib = 1.5"])
    func wrongValuesNameTheKey(_ line: String) throws {
        let error = #expect(throws: VersError.self) { try ProjectFile(parsing: "[machine]\n\(line)") }
        #expect(error?.message.contains(String(line.prefix { $0 != " " })) == true)
    }

    @Test func optionsWinOverTheFileAndTheFileOverTheDefaults() async throws {
        let test = try TestContext()
        let file = try ProjectFile(parsing: "[machine]\nmem_size_mib = 2048\nvcpu_count = 2")
        let command = try await VersCommand.asyncParseAsRoot(["run", "--vcpu-count", "8", "--mem-size", "0"])
        let options = try #require(command as? Run).machine
        let configuration = options.configuration(over: file, context: test.context)
        #expect(configuration.mem_size_mib == 2048)
        #expect(configuration.vcpu_count == 8)
        // The server knows the image.
        #expect(configuration.fs_size_mib == nil)
        #expect(configuration.image_name == "default")
    }

    @Test func initWritesAFileThatReadsBack() async throws {
        let test = try TestContext()
        #expect(await test.run("init", "--mem-size", "2048") == 0)
        let file = try #require(try ProjectFile.read(test.context))
        #expect(file.memoryMiB == 2048 && file.vcpuCount == 1 && file.diskMiB == 1024)
        #expect(test.read("work/.vers/HEAD") == "")
        #expect(test.read("work/.gitignore")?.contains(".vers/") == true)
    }

    @Test func initKeepsWhatIsThere() async throws {
        let test = try TestContext()
        let id = MachineID()
        try HeadFile(test.context).write(id)
        try test.write("[machine]\n", to: "work/vers.toml")
        #expect(await test.run("init") == 0)
        #expect(try HeadFile(test.context).read() == id)
        #expect(test.read("work/vers.toml") == "[machine]\n")
    }
}
