import Foundation
internal import SystemPackage

/// Whether VMs can run here, and how fast.
struct HypervisorChecks {
    let environment: [String: String]

    func run() -> [Check] { [qemu(), accelerator(), memoryLayers()] }

    private func qemu() -> Check {
        let name = "qemu"
        guard let path = ExecutableSearch.find("qemu-system-x86_64", path: environment["PATH"] ?? "") else {
            return .fail(
                name,
                "qemu-system-x86_64 not found in PATH",
                hint: "apt-get install qemu-system-x86 qemu-utils"
            )
        }
        guard let version = ExecutableSearch.firstLine(of: path, ["--version"]) else {
            return .fail(name, "\(path) does not run", hint: "try it by hand: \(path) --version")
        }
        guard ExecutableSearch.find("qemu-img", path: environment["PATH"] ?? "") != nil else {
            return .fail(name, "qemu-img not found in PATH", hint: "apt-get install qemu-utils")
        }
        return .ok(name, "\(version) (\(path))")
    }

    /// The same rule as the engine's: the device opens and the CPU offers what a stock kernel needs.
    private func accelerator() -> Check {
        let name = "accelerator"
        let flags = Set((HostFile.field("flags", in: "/proc/cpuinfo") ?? "").split(separator: " ").map(String.init))
        let hasExtension = flags.contains("vmx") || flags.contains("svm")
        guard access("/dev/kvm", F_OK) == 0 else {
            let hint =
                hasExtension ? "load the module: modprobe kvm_intel or kvm_amd" : "use a host with virtualization"
            return .warn(name, "tcg (slow): there is no /dev/kvm", hint: hint)
        }
        guard access("/dev/kvm", R_OK | W_OK) == 0 else {
            return .warn(
                name,
                "tcg (slow): /dev/kvm may not be opened by this user",
                hint: "join its group: usermod -aG kvm \(NSUserName()), then log in again"
            )
        }
        guard hasExtension else {
            return .warn(
                name,
                "tcg (slow): /dev/kvm exists, but the CPU shows neither vmx nor svm",
                hint: "use bare metal, or switch nested virtualization on"
            )
        }
        return .ok(name, "kvm: /dev/kvm opens and the CPU has \(flags.contains("vmx") ? "vmx" : "svm")")
    }

    private func memoryLayers() -> Check {
        let name = "memory layers"
        for path in ExecutableSearch.beside("libramlayers.so") where access(path, R_OK) == 0 { return .ok(name, path) }
        return .warn(
            name,
            "libramlayers.so not found beside vers or in lib/vers: guest memory is copied, which makes branches slow",
            hint: "make build, or make install"
        )
    }
}
