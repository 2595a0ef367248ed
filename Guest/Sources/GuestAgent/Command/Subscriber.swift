import GuestProtocol

/// A host that follows a command on a channel.
final class Subscriber {
    let channel: UInt32
    let command: Command
    var window = SendWindow()
    /// The first record that was not sent yet.
    var nextCursor: UInt64
    /// ``Command/totalBytes`` as of the record before ``nextCursor``.
    var sentBytes: Int

    init(channel: UInt32, command: Command, nextCursor: UInt64) {
        self.channel = channel
        self.command = command
        self.nextCursor = nextCursor
        let skipped = nextCursor > command.oldestCursor ? Int(clamping: nextCursor - command.oldestCursor) : 0
        let unsent = (min(skipped, command.backlog.count)..<command.backlog.count)
            .reduce(0) { $0 + command.backlog[$1].cost }
        sentBytes = command.totalBytes - unsent
    }
}
