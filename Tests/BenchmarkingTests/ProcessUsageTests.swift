import Testing
import VersAPI

@testable import Benchmarking

@Suite("A process's usage")
struct ProcessUsageTests {
    @Test("reads processor time after a name with spaces and brackets")
    func processorTicks() {
        let line = "812 (a (b) c) S 1 812 812 0 -1 4194560 500 0 0 0 70 5 0 0 20 0 8 0 1000 0 0"
        #expect(ProcessUsage.processorTicks(inStat: line) == 75)
        #expect(ProcessUsage.processorTicks(inStat: "812 (cut") == nil)
    }

    @Test("reads resident memory, which is given in KiB")
    func resident() {
        #expect(
            ProcessUsage.residentBytes(inStatus: "Name:\tversd\nVmHWM:\t 9999 kB\nVmRSS:\t  2048 kB\n") == 2_097_152
        )
        #expect(ProcessUsage.residentBytes(inStatus: "Name:\tkthreadd\n") == nil)
    }

    @Test("belongs to a VM when it is a QEMU with that VM's directory")
    func monitor() {
        let machine = MachineID()
        #expect(ProcessUsage.isMonitor("qemu-system-x86_64\0-name\0\(machine)", of: machine))
        #expect(!ProcessUsage.isMonitor("qemu-system-x86_64\0-name\0\(MachineID())", of: machine))
        #expect(!ProcessUsage.isMonitor("tail\0-f\0/x/vms/\(machine)/console.log", of: machine))
    }
}
