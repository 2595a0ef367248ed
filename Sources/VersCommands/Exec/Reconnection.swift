/// How patiently a lost connection is taken up again.
enum Reconnection {
    /// Waits before each attempt; a connection that was made starts them over.
    static let delays: [Duration] = [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10)]
}
