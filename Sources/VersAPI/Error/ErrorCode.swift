/// What went wrong, for programs. Open: a newer server may send codes that this client does not know.
///
/// One table maps a code to its HTTP status (``httpStatus``), another to the exit status of `vers`
/// (``exitStatus``). Nothing ever branches on the text of a message.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    /// A value is malformed or out of range.
    public static let invalidArgument = Self(rawValue: "invalid_argument")
    /// The body is not JSON, or not of the expected shape.
    public static let invalidBody = Self(rawValue: "invalid_body")
    /// The body is JSON, but a field has a wrong type or an unknown value.
    public static let invalidField = Self(rawValue: "invalid_field")
    /// The key is missing, malformed, unknown, expired or revoked.
    public static let unauthenticated = Self(rawValue: "unauthenticated")
    /// The key is good, but does not allow this.
    public static let forbidden = Self(rawValue: "forbidden")
    /// The key's own limits do not allow it.
    public static let limitExceeded = Self(rawValue: "limit_exceeded")
    public static let notFound = Self(rawValue: "not_found")
    /// The method does not exist at this path.
    public static let methodNotAllowed = Self(rawValue: "method_not_allowed")
    /// The object is in a state that does not allow this; a retry cannot mend it.
    public static let conflict = Self(rawValue: "conflict")
    /// A VM has children, so that it can only be deleted with them.
    public static let hasChildren = Self(rawValue: "has_children")
    /// A commit is needed by a VM or another object.
    public static let inUse = Self(rawValue: "in_use")
    /// The name or id is taken.
    public static let alreadyExists = Self(rawValue: "already_exists")
    /// The saved state was made by something that this host does not match.
    public static let incompatible = Self(rawValue: "incompatible")
    /// The server was ended in the middle of the request with this idempotency key: how far it got is not known.
    public static let interrupted = Self(rawValue: "interrupted")
    /// The idempotency key was used for another request.
    public static let idempotencyKeyReused = Self(rawValue: "idempotency_key_reused")
    public static let payloadTooLarge = Self(rawValue: "payload_too_large")
    /// Something took longer than its deadline.
    public static let timedOut = Self(rawValue: "timed_out")
    /// The caller gave up.
    public static let cancelled = Self(rawValue: "cancelled")
    /// The host lacks memory, disk space or processes for it.
    public static let resourceExhausted = Self(rawValue: "resource_exhausted")
    /// The VM or the server cannot answer now; a retry may succeed.
    public static let unavailable = Self(rawValue: "unavailable")
    /// No server answers at the address.
    public static let unreachable = Self(rawValue: "unreachable")
    public static let unsupported = Self(rawValue: "unsupported")
    public static let `internal` = Self(rawValue: "internal")

    /// The HTTP status that carries this code.
    public var httpStatus: Int {
        switch self {
        case .invalidArgument, .invalidBody: 400
        case .unauthenticated: 401
        case .forbidden, .limitExceeded: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .timedOut: 504
        case .conflict, .hasChildren, .inUse, .alreadyExists, .incompatible, .interrupted: 409
        case .payloadTooLarge: 413
        case .invalidField, .idempotencyKeyReused: 422
        case .cancelled: 499
        case .unsupported: 501
        case .resourceExhausted: 507
        case .unavailable, .unreachable: 503
        default: 500
        }
    }

    /// The exit status of `vers` for this code: 0 to 7, as documented in `docs/cli.md`.
    public var exitStatus: Int32 {
        switch self {
        case .unauthenticated, .forbidden, .limitExceeded: 2
        case .notFound: 3
        case .conflict, .hasChildren, .inUse, .alreadyExists, .incompatible, .interrupted: 4
        case .invalidArgument, .invalidBody, .invalidField, .payloadTooLarge, .methodNotAllowed,
            .idempotencyKeyReused:
            5
        case .timedOut: 6
        case .cancelled: 7
        default: 1
        }
    }

    /// The code to assume for a status whose body carried none.
    public init(httpStatus: Int) {
        self =
            switch httpStatus {
            case 400: .invalidArgument
            case 401: .unauthenticated
            case 403: .forbidden
            case 404: .notFound
            case 405: .methodNotAllowed
            case 408, 504: .timedOut
            case 409: .conflict
            case 413: .payloadTooLarge
            case 422: .invalidField
            case 501: .unsupported
            case 503: .unavailable
            case 507: .resourceExhausted
            default: .internal
            }
    }
}
