/// The host's view of whose frames count: everything before the answer to its own nonce belongs to others.
public struct HostHandshake: Sendable {
    public enum Action: Equatable, Sendable {
        case ignore
        case established(HelloAcknowledgement)
        /// The guest speaks no version that this host does.
        case refused(GuestFacts)
        case deliver(Frame)
    }

    public let nonce: SessionNonce
    private var isEstablished = false

    public init(nonce: SessionNonce) {
        self.nonce = nonce
    }

    public mutating func receive(_ frame: Frame) -> Action {
        guard frame.session == nonce.session else { return .ignore }
        guard frame.type == .helloAcknowledgement else { return isEstablished ? .deliver(frame) : .ignore }
        guard !isEstablished, let answer = try? HelloAcknowledgement(decoding: frame.payload),
            answer.nonce == nonce
        else { return .ignore }
        guard answer.version != 0 else { return .refused(answer.facts) }
        isEstablished = true
        return .established(answer)
    }
}
