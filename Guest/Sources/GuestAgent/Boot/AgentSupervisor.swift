import CGuest
import Glibc

/// Starts the agent, and starts it again when it has ended: killed by a person, by the kernel for want of memory, or by a
/// mistake of its own. Nothing else is done here, so that nothing else can go wrong.
///
/// Where the image has no init this is process 1, and collects what is left to it.
enum AgentSupervisor {
    /// An agent that ended sooner than this after its start is started again only after as long.
    private static let pauseInMilliseconds: UInt64 = 1000

    /// - Parameter serve: what the agent's process does.
    static func run(_ serve: () throws(SystemError) -> Never) -> Never {
        while true {
            let start = Clock.monotonicMilliseconds()
            let agent = cguest_fork()
            if agent == 0 { become(serve) }
            if agent > 0 {
                let status = wait(for: agent)
                Console.log("the agent has ended (wait status \(status)) and is started again")
            } else {
                Console.log("the agent cannot be started: \(SystemError("fork", -agent))")
            }
            let lived = Clock.monotonicMilliseconds() - start
            if lived < pauseInMilliseconds { poll(nil, 0, Int32(pauseInMilliseconds)) }
        }
    }

    private static func become(_ serve: () throws(SystemError) -> Never) -> Never {
        do throws(SystemError) {
            try serve()
        } catch {
            Console.log("the agent cannot serve: \(error)")
            exit(1)
        }
    }

    /// Collects children until `agent` is among them.
    private static func wait(for agent: pid_t) -> Int32 {
        while true {
            var status: Int32 = 0
            let ended = waitpid(-1, &status, 0)
            if ended == agent || (ended < 0 && errno != EINTR) { return status }
        }
    }
}

/// Whether init has started everything: for an agent that is started again after init has said so.
struct SettledMark {
    // Shared with every process that is forked from this one, and never freed.
    private let byte = cguest_shared_byte()

    var isSet: Bool { byte.map { $0.pointee != 0 } ?? false }

    func set() { byte?.pointee = 1 }
}
