import GuestProtocol

/// A host that follows a command on a channel.
final class Subscriber {
    let channel: UInt32
    let command: Command
    var window = SendWindow()
    /// The first record that was not sent yet.
    var nextCursor: UInt64

    init(channel: UInt32, command: Command, nextCursor: UInt64) {
        self.channel = channel
        self.command = command
        self.nextCursor = nextCursor
    }
}
