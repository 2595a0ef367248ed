import Hummingbird
import VersAPI

/// A failure of the request itself, where the table of ``ErrorCode`` is not enough: another status, more headers,
/// or an answer in another shape.
struct RequestFailure: Error {
    var error: VersError
    var status: Int
    var headers: HTTPFields = [:]
    /// The answer carries an empty `vms` too, as the public API's branch routes have it.
    var listsNoMachines = false

    init(_ error: VersError, status: Int? = nil, headers: HTTPFields = [:], listsNoMachines: Bool = false) {
        self.error = error
        self.status = status ?? error.code.httpStatus
        self.headers = headers
        self.listsNoMachines = listsNoMachines
    }

    static func bodyTooLarge(limit: Int) -> RequestFailure {
        RequestFailure(
            VersError(.payloadTooLarge, "the request's body is larger than \(limit) bytes, the limit of this route")
        )
    }

    static func bodyTimedOut(after timeout: Duration) -> RequestFailure {
        RequestFailure(
            VersError(.timedOut, "the request's body did not arrive within \(timeout)"),
            status: HTTPResponse.Status.requestTimeout.code
        )
    }

    /// The answer, in JSON.
    func response() throws -> Response {
        let body = ErrorBody(error)
        let status = HTTPResponse.Status(code: status)
        var response =
            listsNoMachines
            ? try Response.json(BranchErrorBody(body), status: status) : try Response.json(body, status: status)
        response.headers.append(contentsOf: headers)
        return response
    }
}

/// The error envelope in the shape of ``NewMachinesResponse``.
private struct BranchErrorBody: Encodable {
    let vms: [NewMachineResponse] = []
    let error: String
    let success: Bool
    let code: ErrorCode
    let hint: String?

    init(_ body: ErrorBody) {
        error = body.error
        success = body.success
        code = body.code
        hint = body.hint
    }
}
