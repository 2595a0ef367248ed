/// Puts messages together that were spread over several frames, each channel for itself, within limits.
public struct MessageAssembler: Sendable {
    private var partial: [UInt32: [UInt8]] = [:]

    public init() {}

    /// - Returns: the whole message when `frame` was its last part.
    public mutating func add(_ frame: Frame) throws(ProtocolError) -> [UInt8]? {
        let isLast = !frame.flags.contains(.more)
        guard let begun = partial.removeValue(forKey: frame.channel) else {
            if isLast { return frame.payload }
            guard partial.count < ProtocolLimits.partialMessages else {
                throw .tooLong(field: "partial messages", length: partial.count, limit: ProtocolLimits.partialMessages)
            }
            partial[frame.channel] = frame.payload
            return nil
        }
        let length = begun.count + frame.payload.count
        guard length <= ProtocolLimits.messageInBytes else {
            throw .tooLong(field: "message", length: length, limit: ProtocolLimits.messageInBytes)
        }
        if isLast { return begun + frame.payload }
        partial[frame.channel] = begun + frame.payload
        return nil
    }

    public mutating func drop(channel: UInt32) {
        partial[channel] = nil
    }

    /// Spreads a message over as many frames as it needs.
    public static func split(
        _ type: FrameType,
        session: UInt32,
        channel: UInt32,
        message: [UInt8]
    ) -> [Frame] {
        var frames: [Frame] = []
        var position = 0
        repeat {
            let end = min(position + ProtocolLimits.payloadInBytes, message.count)
            let flags: FrameFlags = end < message.count ? .more : []
            let payload = Array(message[position..<end])
            frames.append(Frame(type, flags: flags, session: session, channel: channel, payload: payload))
            position = end
        } while position < message.count
        return frames
    }
}
