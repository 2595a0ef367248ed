public import Foundation

/// A terminal pair: what a person's terminal program holds, and what a program sees.
public final class PseudoTerminal {
    public let controller: Int32
    public let user: Int32

    public init() throws {
        controller = try Self.checked(open("/dev/ptmx", O_RDWR | O_NOCTTY))
        // TIOCSPTLCK and TIOCGPTN of Linux's `asm-generic/ioctls.h`, which Swift does not see.
        var locked: Int32 = 0
        _ = try Self.checked(ioctl(controller, UInt(0x4004_5431), &locked))
        var number: Int32 = 0
        _ = try Self.checked(ioctl(controller, UInt(0x8004_5430), &number))
        user = try Self.checked(open("/dev/pts/\(number)", O_RDWR | O_NOCTTY))
    }

    deinit {
        close(user)
        close(controller)
    }

    public var localFlags: tcflag_t {
        var settings = termios()
        tcgetattr(user, &settings)
        return settings.c_lflag
    }

    private static func checked(_ result: Int32) throws -> Int32 {
        guard result >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return result
    }
}
