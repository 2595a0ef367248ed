/// The guest's view of whose frames count.
public struct GuestHandshake: Sendable {
    public enum Action: Equatable, Sendable {
        case ignore
        /// A new session: drop all channels, then answer. `version` 0 refuses it.
        case begin(SessionNonce, version: UInt16)
        /// The host repeated itself: answer again, drop nothing.
        case repeatAnswer(SessionNonce, version: UInt16)
        case deliver(Frame)
    }

    private var current: SessionNonce?

    public init() {}

    public var session: UInt32? { current?.session }

    public mutating func receive(_ frame: Frame) -> Action {
        guard frame.type == .hello else {
            return frame.session == current?.session ? .deliver(frame) : .ignore
        }
        guard let hello = try? Hello(decoding: frame.payload), hello.nonce.session == frame.session else {
            return .ignore
        }
        guard let version = hello.commonVersion else {
            current = nil
            return .begin(hello.nonce, version: 0)
        }
        if hello.nonce == current { return .repeatAnswer(hello.nonce, version: version) }
        current = hello.nonce
        return .begin(hello.nonce, version: version)
    }
}
