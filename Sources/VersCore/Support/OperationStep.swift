/// The step boundaries of operations that change more than one thing. A crash right after any of them must leave
/// nothing half made: the crash test ends the daemon at each in turn.
public enum OperationStep: String, Sendable, CaseIterable {
    case createRecorded = "create.recorded"
    case createStarted = "create.started"
    case branchDirectoryCreated = "branch.directory-created"
    case branchChildWaiting = "branch.child-waiting"
    case branchPrepared = "branch.prepared"
    case branchFrozen = "branch.frozen"
    case branchMemoryComplete = "branch.memory-complete"
    case branchCommitRecorded = "branch.commit-recorded"
    case branchMarkKept = "branch.mark-kept"
    case branchChildRestored = "branch.child-restored"
    case branchChildIdentified = "branch.child-identified"
    case branchChildrenRecorded = "branch.children-recorded"
    case commitDirectoryCreated = "commit.directory-created"
    case commitPrepared = "commit.prepared"
    case commitFrozen = "commit.frozen"
    case commitMemoryComplete = "commit.memory-complete"
    case commitRecorded = "commit.recorded"
    case commitSealed = "commit.sealed"
    case deleteRecorded = "delete.recorded"
    case deleteProcessEnded = "delete.process-ended"
    case sleepCommitted = "sleep.committed"
    case wakeRestored = "wake.restored"
    case wakeRecorded = "wake.recorded"
    case diskAdopted = "disk.adopted"
    case diskCreated = "disk.created"
    case diskRecorded = "disk.recorded"
    case forkCommitSealed = "fork.commit-sealed"
    case forkMachineStarted = "fork.machine-started"
    case forkRecorded = "fork.recorded"
}

/// Told of every step as it is passed, before the next begins.
public struct StepObserver: Sendable {
    private let passed: @Sendable (OperationStep) -> Void

    public init(_ passed: @escaping @Sendable (OperationStep) -> Void) { self.passed = passed }

    /// Does nothing.
    public static let none = StepObserver { _ in }

    func callAsFunction(_ step: OperationStep) { passed(step) }
}
