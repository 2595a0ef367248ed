import Foundation
import Glibc
import Logging
import VersCore

/// Ends the daemon the hard way right after a step, so that tests can prove what a crash there leaves.
///
/// `VERS_FAULT_STEP` names an ``OperationStep``; unset, as always outside tests, nothing is ever looked at.
enum Faults {
    static let variable = "VERS_FAULT_STEP"

    static func observer(logger: Logger) -> StepObserver {
        guard let name = ProcessInfo.processInfo.environment[variable] else { return .none }
        guard let fatal = OperationStep(rawValue: name) else {
            logger.warning("unknown step", metadata: ["variable": "\(variable)", "value": "\(name)"])
            return .none
        }
        logger.warning("the daemon ends itself after a step", metadata: ["step": "\(fatal.rawValue)"])
        return StepObserver { step in
            if step == fatal { kill(getpid(), SIGKILL) }
        }
    }
}
