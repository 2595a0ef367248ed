import GuestProtocol
import TestSupport
import Testing

@Suite struct WindowTests {
    @Test func creditGoesRoundWithoutLoss() throws {
        var generator = SeededGenerator(seed: 3)
        var sender = SendWindow()
        var receiver = ReceiveWindow()
        var total = 0
        while total < 4 * ProtocolLimits.windowInBytes {
            let count = min(Int.random(in: 1...ProtocolLimits.payloadInBytes, using: &generator), sender.available)
            try #require(count > 0)
            sender.spend(count)
            try receiver.receive(count)
            if let credit = receiver.consume(count) { try sender.grant(credit) }
            total += count
        }
        #expect(sender.available > ProtocolLimits.windowInBytes / 2)
    }

    @Test func moreThanGrantedIsRefused() throws {
        var receiver = ReceiveWindow()
        try receiver.receive(ProtocolLimits.windowInBytes)
        #expect(throws: ProtocolError.windowExceeded) { try receiver.receive(1) }
    }

    @Test func creditThatWasNotEarnedIsRefused() throws {
        var sender = SendWindow()
        #expect(throws: ProtocolError.self) { try sender.grant(1) }
        sender.spend(10)
        #expect(throws: ProtocolError.self) { try sender.grant(.max) }
        try sender.grant(10)
        #expect(sender.available == ProtocolLimits.windowInBytes)
    }

    @Test func aStreamsWindowGrowsWhileThereIsRoom() throws {
        var (sender, receiver) = (SendWindow.stream, ReceiveWindow.stream)
        var sizes: [Int] = []
        for growth in [0, 64 * 1024, 1000, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20] {
            let count = sender.available
            sender.spend(count)
            try receiver.receive(count)
            let credit = receiver.consume(count, growth: growth)
            try sender.grant(try #require(credit))
            sizes.append(receiver.size)
            #expect(sender.available == receiver.size)
        }
        #expect(sizes[..<3] == [65_536, 131_072, 132_072])
        #expect(sizes.last == ProtocolLimits.largestStreamWindowInBytes)
        #expect(throws: ProtocolError.self) { try sender.grant(1) }
    }
}
