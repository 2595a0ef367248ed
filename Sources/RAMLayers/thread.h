// Threads of the library's own inside QEMU.
#pragma once

/// Starts a detached thread with a small stack and no signals: QEMU directs its signals at threads of its own.
/// `name` has at most 15 characters. Returns 0 or an errno value.
int thread_start(const char *name, void *(*run)(void *));
