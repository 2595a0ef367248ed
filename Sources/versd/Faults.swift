import Foundation
import Glibc
import Logging
import VersCore

/// Watches the steps of operations: at log level `trace` each is logged, with the time; and tests have the daemon end
/// itself right after one, to prove what an end there leaves.
///
/// `VERS_FAULT_STEP` names that ``OperationStep``, after which the daemon is killed; with `:TERM` behind it, it is asked to
/// end, as often as the step is passed. It is unset outside tests.
enum Faults {
    static let variable = "VERS_FAULT_STEP"

    private struct Fault {
        var step: OperationStep
        var signal: Int32
    }

    static func observer(logger: Logger) -> StepObserver {
        let fault = fault(logger: logger)
        let start = ContinuousClock.now
        return StepObserver { step in
            logger.trace(
                "step passed",
                metadata: ["step": "\(step.rawValue)", "at-us": "\((ContinuousClock.now - start) / .microseconds(1))"]
            )
            if let fault, step == fault.step { kill(getpid(), fault.signal) }
        }
    }

    private static func fault(logger: Logger) -> Fault? {
        guard let value = ProcessInfo.processInfo.environment[variable] else { return nil }
        let isAsked = value.hasSuffix(":TERM")
        guard let step = OperationStep(rawValue: String(isAsked ? value.dropLast(5) : value[...])) else {
            logger.warning("unknown step", metadata: ["variable": "\(variable)", "value": "\(value)"])
            return nil
        }
        logger.warning("the daemon ends itself after a step", metadata: ["step": "\(step.rawValue)"])
        return Fault(step: step, signal: isAsked ? SIGTERM : SIGKILL)
    }
}
