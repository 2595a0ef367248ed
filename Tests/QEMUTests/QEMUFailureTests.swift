import HostSystem
import SystemPackage
import Testing
import VersAPI

@testable import QEMU

@Suite("failures of the host") struct QEMUFailureTests {
    @Test(
        "a file of ours that is missing or closed is the server's fault, and named",
        arguments: [Errno.noSuchFileOrDirectory, .permissionDenied, .notPermitted, .readOnlyFileSystem, .fileExists]
    )
    func ownFile(errno: Errno) {
        let errors: [any Error] = [
            HostError("open", "/v/vms/a/disk-1.qcow2", errno: errno),
            MemoryLibraryError.refused(request: "layer '/v/vms/a/disk-1.qcow2'", errno, detail: "open"),
        ]
        for error in errors {
            let failure = VersError.hypervisor("branch the machine", error)
            #expect(failure.code == .internal)
            #expect(failure.message.contains("/v/vms/a/disk-1.qcow2"))
            #expect(failure.hint != nil)
        }
    }

    @Test("what the host lacks is told from that", arguments: [Errno.noSpace, .noMemory, .tooManyOpenFiles])
    func exhaustion(errno: Errno) {
        let failure = VersError.hypervisor("branch the machine", HostError("write", "/v/x", errno: errno))
        #expect(failure.code == .resourceExhausted)
    }
}
