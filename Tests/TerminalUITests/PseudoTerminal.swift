import Foundation
import Testing

/// A terminal pair: what a person's terminal program holds, and what a program sees.
final class PseudoTerminal {
    let controller: Int32
    let user: Int32

    init() throws {
        controller = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(controller >= 0)
        // TIOCSPTLCK and TIOCGPTN of Linux's `asm-generic/ioctls.h`, which Swift does not see.
        var locked: Int32 = 0
        try #require(ioctl(controller, UInt(0x4004_5431), &locked) == 0)
        var number: Int32 = 0
        try #require(ioctl(controller, UInt(0x8004_5430), &number) == 0)
        user = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(user >= 0)
    }

    deinit {
        close(user)
        close(controller)
    }

    var localFlags: tcflag_t {
        var settings = termios()
        tcgetattr(user, &settings)
        return settings.c_lflag
    }
}
