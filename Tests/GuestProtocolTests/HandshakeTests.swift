import GuestProtocol
import Testing

@Suite struct HandshakeTests {
    private let facts = GuestFacts(agentVersion: "1", kernelRelease: "6.1", initName: "/sbin/init")
    private let mine = SessionNonce(id: WireID(high: 0x1111_2222_3333_4444, low: 5))
    private let other = SessionNonce(id: WireID(high: 0x1111_2222_9999_9999, low: 6))

    @Test func theHostIgnoresEverythingBeforeItsOwnAnswer() {
        var host = HostHandshake(nonce: mine)
        let answer = HelloAcknowledgement(nonce: mine, version: 1, facts: facts)
        let stale = HelloAcknowledgement(nonce: other, version: 1, facts: facts)
        #expect(host.receive(stale.frame) == .ignore)
        #expect(host.receive(Frame(.reply, session: mine.session, channel: 1)) == .ignore)
        #expect(host.receive(answer.frame) == .established(answer))
        #expect(host.receive(answer.frame) == .ignore)
        let reply = Frame(.reply, session: mine.session, channel: 1)
        #expect(host.receive(reply) == .deliver(reply))
        #expect(host.receive(Frame(.reply, session: other.session, channel: 1)) == .ignore)
    }

    @Test func whetherTheAgentHasAnIdentityIsToldSinceVersion2() throws {
        var facts = facts
        facts.hasIdentity = false
        for version in [UInt16(1), 2] {
            let answer = HelloAcknowledgement(nonce: mine, version: version, facts: facts)
            let read = try HelloAcknowledgement(decoding: answer.frame.payload)
            #expect(read.facts.hasIdentity == (version == 1))
        }
    }

    @Test func anAnswerWithTheRightSessionButAnotherNonceIsForeign() {
        var host = HostHandshake(nonce: mine)
        let twin = SessionNonce(id: WireID(high: mine.id.high, low: 99))
        #expect(twin.session == mine.session)
        #expect(host.receive(HelloAcknowledgement(nonce: twin, version: 1, facts: facts).frame) == .ignore)
    }

    @Test func theGuestDropsForeignFramesAndBeginsAnew() {
        var guest = GuestHandshake()
        #expect(guest.receive(Frame(.request, session: mine.session, channel: 1)) == .ignore)
        #expect(guest.receive(Hello(nonce: mine).frame) == .begin(mine, version: 2))
        #expect(guest.receive(Hello(nonce: mine).frame) == .repeatAnswer(mine, version: 2))
        let request = Frame(.request, session: mine.session, channel: 1)
        #expect(guest.receive(request) == .deliver(request))
        #expect(guest.receive(Hello(nonce: other).frame) == .begin(other, version: 2))
        #expect(guest.receive(request) == .ignore)
    }

    @Test func sidesWithoutACommonVersionDoNotBegin() {
        var guest = GuestHandshake()
        let hello = Hello(nonce: mine, oldestVersion: 900, newestVersion: 901)
        #expect(guest.receive(hello.frame) == .begin(mine, version: 0))
        #expect(guest.session == nil)
        var host = HostHandshake(nonce: mine)
        let refusal = HelloAcknowledgement(nonce: mine, version: 0, facts: facts)
        #expect(host.receive(refusal.frame) == .refused(facts))
    }

    @Test func aSessionIsNeverZero() {
        #expect(SessionNonce(id: WireID(high: 0xABCD_0000_0000_0000, low: 0)).session != 0)
    }
}
