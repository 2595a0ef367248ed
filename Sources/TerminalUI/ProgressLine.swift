import Foundation
import Synchronization

/// Says on a terminal what is being waited for, once that has taken longer than a moment.
///
/// On a terminal it is one line that turns and is erased at the end; elsewhere one plain line. Nothing is written
/// for work shorter than ``ProgressLine/delay``.
public struct ProgressLine: Sendable {
    public static let delay = Duration.seconds(1)
    private static let frameInterval = Duration.milliseconds(100)

    private let stream: TerminalStream
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes text as it is, without adding a line feed.
    public init(stream: TerminalStream, write: @escaping @Sendable (String) -> Void) {
        self.stream = stream
        self.write = write
    }

    /// Runs `work` and shows `message` while it lasts. Cancelling the caller cancels `work`.
    public func during<Result: Sendable>(
        _ message: String,
        _ work: @Sendable () async throws -> Result
    ) async rethrows -> Result {
        let text = message.withoutControlCharacters
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await show(text) }
            do {
                let result = try await work()
                await finish(&group)
                return result
            } catch {
                await finish(&group)
                throw error
            }
        }
    }

    private func finish(_ group: inout ThrowingTaskGroup<Void, any Error>) async {
        group.cancelAll()
        // The drawing task throws nothing; waiting for it keeps its line off the result.
        while let outcome = await group.nextResult() { _ = outcome }
    }

    private func show(_ message: String) async {
        do { try await Task.sleep(for: Self.delay) } catch { return }
        guard stream.isTerminal else {
            write("\(message)...\n")
            return
        }
        let clock = ContinuousClock()
        let start = clock.now - Self.delay
        let frames = stream.showsUnicode ? Self.unicodeFrames : Self.asciiFrames
        var frame = 0
        while !Task.isCancelled {
            let seconds = Int((clock.now - start) / .seconds(1))
            let line = "\(frames[frame % frames.count]) \(message) (\(seconds) s)"
            let room = (stream.columns ?? TerminalStream.defaultColumns) - 1
            write("\r\u{1B}[K" + line.truncated(toWidth: room, ellipsis: "..."))
            frame += 1
            do { try await Task.sleep(for: Self.frameInterval) } catch { break }
        }
        write("\r\u{1B}[K")
    }

    private static let asciiFrames = ["|", "/", "-", "\\"]
    private static let unicodeFrames = [
        "\u{280B}", "\u{2819}", "\u{2839}", "\u{2838}", "\u{283C}", "\u{2834}", "\u{2826}", "\u{2827}", "\u{2807}",
        "\u{280F}",
    ]
}
