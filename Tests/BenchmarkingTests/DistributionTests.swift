import Testing

@testable import Benchmarking

@Suite("A distribution")
struct DistributionTests {
    @Test("takes percentiles by nearest rank, whatever the order of the samples")
    func nearestRank() throws {
        let distribution = try #require(Distribution((1...100).map(Double.init).shuffled()))
        #expect(distribution.count == 100)
        #expect(distribution.minimum == 1)
        #expect(distribution.p50 == 50)
        #expect(distribution.p90 == 90)
        #expect(distribution.p99 == 99)
        #expect(distribution.maximum == 100)
    }

    @Test("of few samples has their largest as its 99th percentile")
    func fewSamples() throws {
        let distribution = try #require(Distribution([4, 1, 3]))
        #expect(distribution.p50 == 3)
        #expect(distribution.p90 == 4)
        #expect(distribution.p99 == 4)
    }

    @Test("of one sample is that sample")
    func oneSample() throws {
        let distribution = try #require(Distribution([7]))
        #expect(distribution.p50 == 7)
        #expect(distribution.p99 == 7)
    }

    @Test("does not exist without samples")
    func noSamples() {
        #expect(Distribution([]) == nil)
    }

    @Test("meets a target up to and including its limit")
    func target() throws {
        let distribution = try #require(Distribution([1, 2, 30]))
        #expect(Target(.p50, atMost: 2).isMet(by: distribution))
        #expect(!Target(.p50, atMost: 1.9).isMet(by: distribution))
        #expect(!Target(.p99, atMost: 29).isMet(by: distribution))
    }
}
