import HTTPTypes
import VersAPI

/// The errors of one operation, by status.
struct DocumentedErrors {
    private(set) var codes: [Int: Set<ErrorCode>] = [:]

    init(of operation: OperationDescription, needsKey: Bool) {
        add([.internal, .unavailable])
        add(operation.errors)
        if needsKey { add([.unauthenticated, .forbidden]) }
        if operation.path.contains("{") { add([.invalidArgument, .notFound]) }
        if !operation.query.isEmpty { add([.invalidArgument]) }
        switch operation.body {
        case .json?:
            add([.invalidArgument, .invalidBody, .invalidField, .payloadTooLarge])
            add(.timedOut, at: 408)
        case .bytes?:
            add([.payloadTooLarge])
            add(.timedOut, at: 408)
        case nil: break
        }
        if needsKey, operation.method != .get {
            add(Self.ofRepetition)
            add(.timedOut, at: 408)
        }
    }

    /// What becomes of requests that are sent again, or whose body is larger than any.
    private static let ofRepetition: [ErrorCode] = [
        .invalidArgument, .interrupted, .idempotencyKeyReused, .payloadTooLarge,
    ]

    private mutating func add(_ errors: [ErrorCode]) { for error in errors { add(error, at: error.httpStatus) } }

    private mutating func add(_ error: ErrorCode, at status: Int) { codes[status, default: []].insert(error) }

    /// By status, for the document.
    func answers(_ operation: OperationDescription) -> [String: DocumentValue] {
        var answers: [String: DocumentValue] = [:]
        for (status, codes) in codes {
            let names = codes.map { "`\($0)`" }.sorted().joined(separator: ", ")
            let schema = Schema.named(operation.errorSchemas[status] ?? operation.errorSchema)
            var answer: DocumentValue = [
                "description": .string("\(HTTPResponse.Status(code: status).reasonPhrase): \(names)"),
                "content": ["application/json": ["schema": schema.value]],
            ]
            if status == HTTPResponse.Status.unauthorized.code, operation.errorSchemas[status] == nil {
                answer["headers"] = ["WWW-Authenticate": ["schema": ["type": "string"]]]
            }
            answers[String(status)] = answer
        }
        return answers
    }
}
