// The guest's console in a file of bounded size. A guest decides how much it prints, and nobody else may be there to
// read it: the daemon can be down for days.
#pragma once

enum {
    /// The descriptor that QEMU is told to write the console to.
    CONSOLE_FD = 6,
    /// When the file is larger than this, it replaces `<file>.1`, and a new one begins.
    CONSOLE_LIMIT_BYTES = 1 << 20,
};

/// Appends to `path` (mode 0600) what is written to CONSOLE_FD, with a thread of its own, and what is left of it when
/// the process exits. Returns 0 or an errno value.
int console_start(const char *path);
