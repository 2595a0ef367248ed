/// The state of a VM, as the API reads it.
///
/// `booting -> running <-> paused`; `running | paused -> sleeping -> running` (memory on disk, no process);
/// `-> stopped` (memory lost, the next start boots from disk); `dead` after a crash. Every state can be deleted.
public enum MachineState: String, Codable, Sendable, CaseIterable {
    case booting
    case running
    case paused
    case sleeping
    case stopped
    case dead
}

/// The state that a caller asks for in `PATCH /vm/{id}/state`.
///
/// `Paused`, `Running` and `Sleeping` are the public API's; `Stopped` is ours, because the founding text names it.
public enum RequestedState: String, Codable, Sendable, CaseIterable {
    case running = "Running"
    case paused = "Paused"
    case sleeping = "Sleeping"
    case stopped = "Stopped"
}
