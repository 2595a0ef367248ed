import Testing
import VersAPI

struct ErrorCodeTests {
    static let all: [ErrorCode] = [
        .invalidArgument, .invalidBody, .invalidField, .unauthenticated, .forbidden, .notFound, .methodNotAllowed,
        .conflict, .hasChildren, .inUse, .alreadyExists, .incompatible, .payloadTooLarge, .timedOut, .cancelled,
        .resourceExhausted, .unavailable, .unreachable, .unsupported, .internal, .limitExceeded, .interrupted,
        .idempotencyKeyReused,
    ]

    @Test func `no two codes have one name`() {
        #expect(Set(Self.all.map(\.rawValue)).count == Self.all.count)
    }

    @Test(arguments: all) func `a code has an error's status and an exit status of 1 to 7`(code: ErrorCode) {
        #expect((400...599).contains(code.httpStatus))
        #expect((1...7).contains(code.exitStatus))
    }

    /// A client that sees only the status must not exit differently from one that sees the code.
    @Test(arguments: all.filter { $0 != .cancelled })
    func `the status alone leads to the same exit status`(code: ErrorCode) {
        #expect(ErrorCode(httpStatus: code.httpStatus).exitStatus == code.exitStatus)
    }

    @Test func `what a newer server sends is an ordinary failure`() {
        let code = ErrorCode(rawValue: "teapot")
        #expect(code.httpStatus == 500)
        #expect(code.exitStatus == 1)
        #expect(ErrorCode(httpStatus: 418) == .internal)
    }
}
