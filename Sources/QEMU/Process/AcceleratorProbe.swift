internal import Glibc
internal import HostSystem
internal import SystemPackage
internal import VersCore

/// Which accelerator the configuration asks for.
public enum AcceleratorPreference: String, Sendable, CaseIterable {
    case automatic
    case kvm
    case tcg
}

/// Decides how guests are executed.
///
/// `/dev/kvm` alone proves nothing: hosts with `kvm_pvm` have it, but no `vmx` or `svm`, and a stock guest kernel hangs.
struct AcceleratorProbe: Sendable {
    var deviceOpens: Bool
    var processorFlags: Set<String>

    init(deviceOpens: Bool, processorFlags: Set<String>) {
        self.deviceOpens = deviceOpens
        self.processorFlags = processorFlags
    }

    /// Looks at this host. Blocks shortly.
    init() {
        let device = open("/dev/kvm", O_RDWR | O_CLOEXEC)
        deviceOpens = device >= 0
        if device >= 0 { close(device) }
        processorFlags = Self.parseFlags(cpuinfo: (try? HostFile.readText("/proc/cpuinfo", limitInBytes: 65_536)) ?? "")
    }

    func choose(_ preference: AcceleratorPreference) -> AcceleratorChoice {
        switch preference {
        case .kvm: return AcceleratorChoice(name: "kvm", reason: "the configuration asks for it")
        case .tcg: return AcceleratorChoice(name: "tcg", reason: "the configuration asks for it")
        case .automatic: break
        }
        guard deviceOpens else {
            return AcceleratorChoice(name: "tcg", reason: "/dev/kvm cannot be opened for reading and writing")
        }
        guard let flag = ["vmx", "svm"].first(where: processorFlags.contains) else {
            return AcceleratorChoice(
                name: "tcg",
                reason: "/dev/kvm opens, but the processor has neither vmx nor svm, so it cannot run stock kernels"
            )
        }
        return AcceleratorChoice(name: "kvm", reason: "/dev/kvm opens and the processor has \(flag)")
    }

    /// The flags of the first processor.
    static func parseFlags(cpuinfo: String) -> Set<String> {
        for line in cpuinfo.split(separator: "\n") where line.hasPrefix("flags") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return Set(line[line.index(after: colon)...].split(separator: " ").map(String.init))
        }
        return []
    }
}
