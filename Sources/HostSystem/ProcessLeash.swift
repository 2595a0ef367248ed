internal import CHost
internal import Glibc
internal import SystemPackage

/// Ends a process that this one has started when this one ends, however that happens, unless it is let go of before.
///
/// The process inherits one end of a pipe, which has the kernel signal it when the other end is gone (`O_ASYNC`, with
/// `F_SETSIG`): nothing in the process, and no third one, need watch.
public final class ProcessLeash: Sendable {
    /// For ``DetachedProcess/inheritedDescriptors``.
    public let inherited: Int32
    private let held: Int32

    public init() throws(HostError) {
        var ends: [Int32] = [-1, -1]
        guard chost_pipe(&ends) == 0 else { throw HostError("make a pipe", errno: Errno(rawValue: errno)) }
        (inherited, held) = (ends[0], ends[1])
    }

    deinit {
        close(held)
        close(inherited)
    }

    /// From now on the process ends with this object. To be called once it has ``inherited``.
    public func fasten(to process: ProcessHandle) throws(HostError) {
        guard chost_leash(inherited, process.pid) == 0 else {
            throw HostError("leash process \(process.pid)", errno: Errno(rawValue: errno))
        }
        // The pid may be another's by now.
        if process.exit != nil { try release() }
    }

    /// The process is on its own from now on. Idempotent.
    public func release() throws(HostError) {
        guard chost_unleash(inherited) == 0 else { throw HostError("unleash a process", errno: Errno(rawValue: errno)) }
    }
}
