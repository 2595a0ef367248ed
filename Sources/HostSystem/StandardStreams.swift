import Glibc

/// Descriptors 0 to 2 of this process.
public enum StandardStreams {
    /// Opens `/dev/null` where the process was started without one of them. Otherwise the next file or connection that
    /// is opened gets the number, and with it what is printed.
    ///
    /// To be called before anything else is opened.
    public static func openMissing() {
        // The lowest free number is the one that is given out.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // Without /dev/null there is nothing better.
            _ = open("/dev/null", O_RDWR)
        }
    }
}
