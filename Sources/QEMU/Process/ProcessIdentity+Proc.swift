internal import HostSystem
internal import SystemPackage
public import VersCore

extension ProcessIdentity {
    /// The process that has this pid now. Nil when there is none.
    public static func current(of pid: Int32) throws -> ProcessIdentity? {
        guard let ticks = ProcessTable.startTimeTicks(of: pid) else { return nil }
        return ProcessIdentity(pid: pid, startTimeTicks: ticks, hostBootID: try ProcessTable.bootID())
    }

    /// The process that has this pid now.
    /// - Throws: `HostError` when there is none.
    init(running pid: Int32) throws {
        guard let identity = try ProcessIdentity.current(of: pid) else {
            throw HostError("look at process \(pid)", errno: .noSuchProcess)
        }
        self = identity
    }
}
