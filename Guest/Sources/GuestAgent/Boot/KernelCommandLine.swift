/// The arguments of the kernel that concern the agent.
struct KernelCommandLine: Equatable {
    var rootDevice = "/dev/vda"
    /// Empty: tried one after the other.
    var rootType = ""
    /// The image's init when named; else the usual places are tried.
    var initPath = ""
    var configuresNetwork = true

    /// - Parameter text: the content of `/proc/cmdline`.
    init(_ text: String) {
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : ""
            switch parts[0] {
            case "root": if value.hasPrefix("/dev/") { rootDevice = value }
            case "rootfstype": rootType = value
            case "vers.init": initPath = value
            case "vers.net": configuresNetwork = value == "user"
            default: break
            }
        }
    }
}
