// What the process gives up for good.
#pragma once

/// Forbids execve and execveat, and new privileges, to this process and its threads to come. QEMU's own
/// `-sandbox spawn=deny` would forbid the fork of a freeze as well. Returns 0 or an errno value.
int confine_process(void);
