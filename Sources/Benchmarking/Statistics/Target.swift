/// What a statistic is to reach.
public struct Target: Codable, Sendable, Equatable {
    public var statistic: Statistic
    public var atMost: Double

    public init(_ statistic: Statistic, atMost: Double) {
        self.statistic = statistic
        self.atMost = atMost
    }

    public func isMet(by distribution: Distribution) -> Bool { distribution[statistic] <= atMost }

    enum CodingKeys: String, CodingKey {
        case statistic
        case atMost = "at_most"
    }
}
