import GuestProtocol
import Testing

@Suite struct MessageAssemblerTests {
    @Test(arguments: [
        0, 1, ProtocolLimits.payloadInBytes, ProtocolLimits.payloadInBytes + 1, ProtocolLimits.messageInBytes,
    ])
    func aSplitMessageComesTogether(count: Int) throws {
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var assembler = MessageAssembler()
        var result: [UInt8]?
        for frame in MessageAssembler.split(.request, session: 1, channel: 1, message: message) {
            #expect(result == nil)
            result = try assembler.add(frame)
        }
        #expect(result == message)
    }

    @Test func channelsDoNotMix() throws {
        var assembler = MessageAssembler()
        #expect(try assembler.add(Frame(.request, flags: .more, session: 1, channel: 1, payload: [1])) == nil)
        #expect(try assembler.add(Frame(.request, flags: .more, session: 1, channel: 2, payload: [2])) == nil)
        #expect(try assembler.add(Frame(.request, session: 1, channel: 1, payload: [3])) == [1, 3])
        assembler.drop(channel: 2)
        #expect(try assembler.add(Frame(.request, session: 1, channel: 2, payload: [4])) == [4])
    }

    @Test func endlessMessagesAreRefused() throws {
        var assembler = MessageAssembler()
        let piece = [UInt8](repeating: 0, count: ProtocolLimits.payloadInBytes)
        #expect(throws: ProtocolError.self) {
            for _ in 0...(ProtocolLimits.messageInBytes / piece.count) {
                _ = try assembler.add(Frame(.request, flags: .more, session: 1, channel: 1, payload: piece))
            }
        }
        #expect(throws: ProtocolError.self) {
            for channel in 0...UInt32(ProtocolLimits.partialMessages) {
                _ = try assembler.add(Frame(.request, flags: .more, session: 1, channel: channel, payload: [1]))
            }
        }
    }
}
