import Foundation
import Testing
import VersAPI

@Suite struct RFC3339Tests {
    @Test(arguments: [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (1_777_629_600.123456, "2026-05-01T10:00:00.123456Z"),
        (951_782_399.5, "2000-02-28T23:59:59.500000Z"),
        (951_782_400.0, "2000-02-29T00:00:00.000000Z"),
        (-0.000001, "1969-12-31T23:59:59.999999Z"),
        (4_102_444_799.0, "2099-12-31T23:59:59.000000Z"),
    ])
    func writesAndReads(seconds: Double, text: String) throws {
        #expect(RFC3339.string(from: Date(timeIntervalSince1970: seconds)) == text)
        let date = try #require(RFC3339.date(from: text))
        #expect(RFC3339.string(from: date) == text)
    }

    @Test func agreesWithFoundationOverFourCenturies() {
        let formatter = ISO8601DateFormatter()
        for day in stride(from: -60_000.0, through: 90_000, by: 17) {
            let date = Date(timeIntervalSince1970: day * 86_400 + 43_210)
            let expected = formatter.string(from: date).dropLast() + ".000000Z"
            #expect(RFC3339.string(from: date) == expected)
        }
    }

    @Test func acceptsOffsetsAndShortFractions() {
        let expected = Date(timeIntervalSince1970: 1_777_629_600.5)
        #expect(RFC3339.date(from: "2026-05-01T12:00:00.5+02:00") == expected)
        #expect(RFC3339.date(from: "2026-05-01T10:00:00.500000999Z") == expected)
        #expect(RFC3339.date(from: "2026-05-01T10:00:00Z") == expected.addingTimeInterval(-0.5))
    }

    @Test(arguments: [
        "", "now", "2026-05-01", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-05-01T24:00:00Z",
        "2026-05-01T10:00:00", "2026-05-01T10:00:00.Z", "2026-05-01T10:00:00Zx",
    ])
    func refuses(text: String) { #expect(RFC3339.date(from: text) == nil) }
}
