import Testing

@testable import GuestAgent

@Suite struct DequeTests {
    @Test func itIsAQueue() {
        var deque = Deque<Int>()
        var expected: [Int] = []
        for round in 0..<1000 {
            deque.append(round)
            expected.append(round)
            if round % 3 != 0 {
                #expect(deque.popFirst() == expected.removeFirst())
            }
            if round % 50 == 0 {
                deque.putBack(-round)
                expected.insert(-round, at: 0)
            }
            #expect(deque.count == expected.count && deque.first == expected.first && deque.last == expected.last)
        }
        #expect((0..<deque.count).map { deque[$0] } == expected)
    }
}
