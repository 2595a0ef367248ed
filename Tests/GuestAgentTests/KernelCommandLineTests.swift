import Testing

@testable import GuestAgent

@Suite struct KernelCommandLineTests {
    @Test func theDefaultsAreThoseOfOurImages() {
        let line = KernelCommandLine("console=ttyS0 quiet\n")
        #expect(line.rootDevice == "/dev/vda" && line.rootType.isEmpty && line.initPath.isEmpty)
        #expect(line.configuresNetwork)
    }

    @Test func argumentsAreTaken() {
        let line = KernelCommandLine("root=/dev/vda1 rootfstype=xfs vers.init=/bin/sh vers.net=none rw")
        #expect(line.rootDevice == "/dev/vda1" && line.rootType == "xfs" && line.initPath == "/bin/sh")
        #expect(!line.configuresNetwork)
    }
}
