import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import QEMU

@Suite("QEMU's command line")
struct QEMUCommandLineTests {
    private static let machineID = MachineID()

    private func arguments(
        waits: Bool = false,
        accelerator: String = "tcg",
        memoryMode: MemoryMode = .layers,
        tap: GuestTap? = nil
    ) -> [String] {
        let machine = LaunchConfiguration(
            machineID: Self.machineID,
            directory: "/v/vms/a",
            memoryMiB: 512,
            vcpuCount: 2,
            kernel: "/images/my, kernel",
            initramfs: "/images/initramfs",
            kernelArguments: ["vers.x=1"],
            activeDisk: "/v/vms/a/disk-3.qcow2"
        )
        return QEMUCommandLine(
            machineID: machine.machineID,
            directory: machine.directory,
            memoryMiB: machine.memoryMiB,
            vcpuCount: machine.vcpuCount,
            start: waits ? .wait : .boot(machine),
            accelerator: accelerator,
            memoryMode: memoryMode,
            translationCacheMiB: 32,
            tap: tap
        ).arguments
    }

    private func value(of option: String, in arguments: [String]) -> String? {
        arguments.firstIndex(of: option).map { arguments[$0 + 1] }
    }

    @Test("a machine in a private network has the same devices and the same saved state")
    func privateNetwork() {
        let (own, joined) = (arguments(), arguments(tap: GuestTap(descriptor: -1) { _ in }))
        func without(_ option: String, _ arguments: [String]) -> [String] {
            let indices = arguments.indices.filter { arguments[$0] == option }.flatMap { [$0, $0 + 1] }
            return arguments.indices.filter { !indices.contains($0) }.map { arguments[$0] }
        }
        #expect(without("-netdev", own) == without("-netdev", joined))
        #expect(joined.contains("tap,id=net0,fd=7"))
        #expect(joined.filter { $0.hasPrefix("user,") }.count == 1)
    }

    @Test("how a machine holds its memory is seen in its arguments", arguments: [MemoryMode.layers, .copy])
    func memoryMode(mode: MemoryMode) {
        for waits in [false, true] {
            let arguments = ["qemu-system-x86_64"] + arguments(waits: waits, memoryMode: mode)
            #expect(QEMUCommandLine.memoryMode(ofArguments: arguments) == mode)
        }
    }

    @Test("a waiting machine has the same devices as a booting one")
    func sameDevices() {
        func devices(_ arguments: [String]) -> [String] {
            arguments.indices.filter { arguments[$0] == "-device" }.map {
                arguments[$0 + 1].replacing("drive=disk-3,", with: "drive=absent,")
            }
        }
        let booting = arguments()
        let waiting = arguments(waits: true)
        #expect(devices(booting) == devices(waiting))
        #expect(value(of: "-machine", in: booting) == value(of: "-machine", in: waiting))
        #expect(value(of: "-cpu", in: booting) == value(of: "-cpu", in: waiting))
        #expect(value(of: "-incoming", in: waiting) == "defer" && waiting.contains("-S"))
        #expect(value(of: "-incoming", in: booting) == nil && !booting.contains("-S"))
    }

    @Test("without the memory library the devices are the same, and QEMU starts no process")
    func copiedMemory() {
        let (layers, copy) = (arguments(), arguments(memoryMode: .copy))
        let devices = { (line: [String]) in line.indices.filter { line[$0] == "-device" }.map { line[$0 + 1] } }
        #expect(devices(layers) == devices(copy))
        #expect(value(of: "-machine", in: layers) == value(of: "-machine", in: copy))
        #expect(value(of: "-sandbox", in: copy)?.contains("spawn=deny") == true)
        #expect(value(of: "-sandbox", in: layers)?.contains("spawn=deny") == false)
        #expect(copy.contains { $0.contains("path=console.log") })
        // What tells whether the agent's socket brought something in.
        let port = QEMUCommandLine.guestPortSection
        #expect(
            copy.contains { $0.hasPrefix("virtio-serial-pci") && $0.contains("addr=0x3") } && port.contains(":03.0")
        )
    }

    @Test("the machine is pinned to a version, and its memory is the library's file")
    func machine() {
        let line = arguments()
        #expect(value(of: "-machine", in: line)?.hasPrefix("pc-q35-7.2,") == true)
        #expect(value(of: "-machine", in: line)?.contains("memory-backend=ram") == true)
        #expect(line.contains { $0.contains("mem-path=ram") && $0.contains("share=on") && $0.contains("size=512M") })
        #expect(value(of: "-smp", in: line) == "2")
    }

    @Test("paths are passed as they are, and kernel arguments are added to the base")
    func kernel() {
        let line = arguments()
        #expect(value(of: "-kernel", in: line) == "/images/my, kernel")
        #expect(value(of: "-append", in: line)?.hasSuffix(" quiet norandmaps vers.x=1") == true)
        let kvm = arguments(accelerator: "kvm")
        #expect(value(of: "-append", in: kvm)?.hasSuffix(" quiet vers.x=1") == true)
    }

    @Test("the disk's nodes are named after its file, which is opened relative to the machine's directory")
    func disk() {
        let layer = DiskLayer(file: "/v/vms/a/disk-3.qcow2")
        #expect(layer.nodeName == "disk-3" && layer.fileNodeName == "file-disk-3" && layer.fileName == "disk-3.qcow2")
        #expect(DiskLayer.fileName(ofNode: layer.nodeName) == layer.fileName)
        #expect(arguments().contains(layer.openOptions))
    }

    @Test("KVM gets a processor that moves between hosts")
    func processor() {
        #expect(value(of: "-accel", in: arguments(accelerator: "kvm")) == "kvm")
        #expect(value(of: "-cpu", in: arguments(accelerator: "kvm"))?.contains("host") == false)
        #expect(value(of: "-accel", in: arguments())?.contains("tb-size=32") == true)
    }
}

@Suite("the accelerator")
struct AcceleratorProbeTests {
    @Test(
        "KVM is chosen only where it runs stock kernels",
        arguments: [
            (true, "svm", "kvm"), (true, "vmx", "kvm"), (true, "fpu", "tcg"), (false, "svm", "tcg"),
        ]
    )
    func automatic(opens: Bool, flag: String, expected: String) {
        let probe = AcceleratorProbe(deviceOpens: opens, processorFlags: [flag])
        #expect(probe.choose(.automatic).name == expected)
    }

    @Test("the configuration can force either")
    func forced() {
        #expect(AcceleratorProbe(deviceOpens: false, processorFlags: []).choose(.kvm).name == "kvm")
        #expect(AcceleratorProbe(deviceOpens: true, processorFlags: ["svm"]).choose(.tcg).name == "tcg")
    }

    @Test("flags are read as whole words")
    func flags() {
        let flags = AcceleratorProbe.parseFlags(cpuinfo: "processor : 0\nflags\t\t: fpu svm_lock vmx\nflags : svm\n")
        #expect(flags == ["fpu", "svm_lock", "vmx"])
    }
}

@Suite("what QEMU says")
struct QEMUAnswerTests {
    @Test(
        "the version is cut to its series",
        arguments: [
            ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright", "7.2"),
            ("QEMU emulator version 10.0.0", "10.0"),
        ]
    )
    func version(output: String, series: String) { #expect(QEMUVersionProbe.parse(output) == series) }

    @Test("other output has no version")
    func noVersion() {
        #expect(QEMUVersionProbe.parse("") == nil)
        #expect(QEMUVersionProbe.parse("version x") == nil)
    }

    @Test("the memory library's errors carry their number")
    func memoryErrors() {
        #expect(throws: MemoryLibraryError.refused(request: "copy", .noSpace, detail: "write")) {
            try MemoryConnection.parse("error 28 write", request: "copy", verb: "copied")
        }
        #expect(throws: MemoryLibraryError.unexpectedAnswer(request: "copy", "pong 1")) {
            try MemoryConnection.parse("pong 1", request: "copy", verb: "copied")
        }
    }
}
