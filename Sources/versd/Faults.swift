import Foundation
import Glibc
import Logging
import VersCore

/// Watches the steps of operations: at log level `trace` each is logged, with the time; and tests have the daemon end
/// itself the hard way right after one, to prove what a crash there leaves.
///
/// `VERS_FAULT_STEP` names that ``OperationStep``; it is unset outside tests.
enum Faults {
    static let variable = "VERS_FAULT_STEP"

    static func observer(logger: Logger) -> StepObserver {
        let fatal = fatalStep(logger: logger)
        let start = ContinuousClock.now
        return StepObserver { step in
            logger.trace(
                "step passed",
                metadata: ["step": "\(step.rawValue)", "at-us": "\((ContinuousClock.now - start) / .microseconds(1))"]
            )
            if step == fatal { kill(getpid(), SIGKILL) }
        }
    }

    private static func fatalStep(logger: Logger) -> OperationStep? {
        guard let name = ProcessInfo.processInfo.environment[variable] else { return nil }
        guard let fatal = OperationStep(rawValue: name) else {
            logger.warning("unknown step", metadata: ["variable": "\(variable)", "value": "\(name)"])
            return nil
        }
        logger.warning("the daemon ends itself after a step", metadata: ["step": "\(fatal.rawValue)"])
        return fatal
    }
}
