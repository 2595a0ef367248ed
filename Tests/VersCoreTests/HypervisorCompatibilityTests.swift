import Testing

@testable import VersCore

struct HypervisorCompatibilityTests {
    private let here = HypervisorCompatibility(
        hypervisor: "qemu",
        version: "7.2",
        machineType: "q35",
        accelerator: "tcg",
        cpuModel: "max",
        deviceSet: "1"
    )

    @Test func `the same host has no differences`() { #expect(here.differences(from: here).isEmpty) }

    @Test func `every field that differs is named with both values`() {
        let there = HypervisorCompatibility(
            hypervisor: "other",
            version: "8.0",
            machineType: "virt",
            accelerator: "kvm",
            cpuModel: "host",
            deviceSet: "2"
        )
        let differences = there.differences(from: here)
        #expect(differences.count == 6)
        #expect(differences.contains { $0.contains("version") && $0.contains("'8.0'") && $0.contains("'7.2'") })
    }

    @Test func `only what differs is named`() {
        var there = here
        there.accelerator = "kvm"
        #expect(there.differences(from: here).count == 1)
        #expect(there.differences(from: here).first?.contains("accelerator") == true)
    }
}
