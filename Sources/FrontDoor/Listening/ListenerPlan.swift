import Logging
import VersAPI

/// Opens the ports of a configuration as far as they can be had.
struct ListenerPlan {
    let configuration: FrontDoorConfiguration
    let memory: PortMemory
    let logger: Logger

    struct Result: Sendable {
        /// The main port first; empty when that one cannot be had.
        var listeners: [Listener] = []
        var problems: [VersError] = []
    }

    func open() async -> Result {
        var result = Result()
        do {
            result.listeners.append(try await main())
        } catch {
            result.problems.append(error)
            return result
        }
        for port in configuration.extraPorts {
            do throws(VersError) {
                result.listeners.append(try await listener(Int(port), guestPort: port))
            } catch {
                result.problems.append(error)
            }
        }
        return result
    }

    /// A port that was asked for, or none; without a wish the one of last time, the usual one, or any.
    private func main() async throws(VersError) -> Listener {
        if let port = configuration.port { return try await listener(port, guestPort: nil) }
        let remembered = memory.port()
        var candidates = [FrontDoorConfiguration.defaultPort, 0]
        if let remembered { candidates.insert(remembered, at: 0) }
        var failure = VersError(.internal, "no port was tried")
        for port in candidates {
            do {
                let listener = try await listener(port, guestPort: nil)
                note(listener, remembered: remembered)
                return listener
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func note(_ listener: Listener, remembered: Int?) {
        if let remembered, remembered != Int(listener.port) {
            logger.warning(
                "the front door's port was taken, it has another now",
                metadata: ["port": "\(listener.port)", "port.before": "\(remembered)"]
            )
        }
        do {
            try memory.remember(Int(listener.port))
        } catch {
            logger.warning("the front door's port will not be remembered", metadata: ["error": "\(error)"])
        }
    }

    private func listener(_ port: Int, guestPort: UInt16?) async throws(VersError) -> Listener {
        do {
            return try await Listener.open(
                host: configuration.host,
                port: port,
                guestPort: guestPort,
                logger: logger
            )
        } catch {
            throw error as? VersError
                ?? VersError(.unavailable, "cannot listen on \(configuration.host):\(port)", cause: error)
        }
    }
}
