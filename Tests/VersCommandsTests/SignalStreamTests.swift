import Foundation
import Testing

@testable import VersCommands

@Suite struct SignalStreamTests {
    /// Nothing else in the tests uses this signal.
    private static let number = SIGUSR2

    @Test(.timeLimit(.minutes(1))) func everyStreamOfASignalGetsItAndSoDoThoseThatFollow() async {
        for _ in 0..<3 {
            let streams = [SignalStream.signals([Self.number]), SignalStream.signals([Self.number, SIGUSR1])]
            kill(getpid(), Self.number)
            for stream in streams { #expect(await stream.first { _ in true } == Self.number) }
        }
    }
}
