import Hummingbird
import VersAPI
import VersCore

/// What a route does about a request that is sent again under the same idempotency key.
///
/// Once a request is answered, every route but ``never`` gives the answer again. They differ in what they do when the
/// daemon was ended in the middle of it.
enum Repeatability: Sendable {
    /// The header means nothing: the request reads, or its answer is a stream.
    case never
    /// It cannot be told how far it got: the repetition is refused, with `interrupted`.
    case uncertain
    /// Doing it again leads to the same.
    case repeatable
    /// It made one VM, in one transaction: answered with that, or nothing was made and it is done again.
    case machine
    /// The same with several.
    case machines
    /// The same with a commit.
    case commit
    /// The command has an id that is made from the request's name: it is followed again, not run again.
    case command

    /// What routes do unless they say otherwise.
    static func standard(for method: HTTPRequest.Method) -> Self {
        method == .get || method == .head ? .never : .uncertain
    }

    /// What to answer a request that was cut off; nil when it must be done again.
    /// - Throws: `.interrupted`.
    func answer(to repetition: IdempotencyService.Repetition) throws -> Response? {
        let effects = repetition.effects
        switch self {
        case .machine:
            guard let machine = effects.machines.first else { return nil }
            return try .json(NewMachineResponse(vm_id: machine), status: .created)
        case .machines:
            guard !effects.machines.isEmpty else { return nil }
            let machines = effects.machines.map(NewMachineResponse.init(vm_id:))
            return try .json(NewMachinesResponse(vms: machines), status: .created)
        case .commit:
            guard let commit = effects.commits.first else { return nil }
            return try .json(CommitResponse(commit_id: commit), status: .created)
        case .repeatable, .command, .never: return nil
        case .uncertain:
            throw VersError(
                .interrupted,
                "the server was ended in the middle of this request: whether it was done is not known",
                hint: "look at the state, and ask again with a new idempotency key if it was not"
            )
        }
    }
}
