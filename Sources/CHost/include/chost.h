#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "chost_namespace.h"

// System calls that Swift's Glibc module does not offer. Every function returns -1 and sets errno on failure
// unless it says otherwise.

/// What a new process starts with. Nothing is inherited but stdin (/dev/null), stdout, stderr and what is listed.
struct chost_spawn_request {
    const char *executable;
    char *const *arguments;
    char *const *environment;
    /// Made the working directory before the program runs.
    const char *working_directory;
    /// Becomes stdout and stderr.
    int output_fd;
    /// Become descriptors 3, 4 and so on. Each must be above 2 and above all of those.
    const int *inherited;
    size_t inherited_count;
};

/// Starts a process in a session of its own. Returns an errno value, 0 on success.
int chost_spawn(const struct chost_spawn_request *request, pid_t *pid);

int chost_pidfd_open(pid_t pid);
int chost_pidfd_send_signal(int pidfd, int signal);

/// Whether the process has ended.
int chost_pidfd_has_ended(int pidfd);

/// Reaps the process if it is a child of ours that has exited. Returns 0 with its si_code and si_status in `code` and
/// `status`, or -1 with ECHILD when it is not ours, or EAGAIN when it has not exited.
int chost_pidfd_reap(int pidfd, int *code, int *status);

/// Connects a stream socket to the Unix socket `name` in the directory `directory`, of any length, and to nothing
/// that a symbolic link in its place leads to. Returns the descriptor.
int chost_connect_unix(const char *directory, const char *name);

/// Makes a listening stream socket `name` (mode 0600) in `directory`, in place of what has that name. Returns the
/// descriptor.
int chost_listen_unix(const char *directory, const char *name);

/// Sends `length` bytes, and `fd` with the first of them, blocking at most `timeout_milliseconds` for room.
int chost_send_with_descriptor(int socket_fd, const void *bytes, size_t length, int fd, int timeout_milliseconds);

/// A pipe that no program started meanwhile inherits: its read end, then its write end.
int chost_pipe(int ends[2]);

/// Has the kernel end a process with SIGKILL when the last writer of a pipe is gone. The process has `reader` open, too.
int chost_leash(int reader, pid_t pid);
/// Takes that back.
int chost_unleash(int reader);

/// Takes an exclusive `flock` without waiting. EWOULDBLOCK when another open file description holds it.
int chost_flock_exclusive(int fd);

/// An epoll instance that tells when process descriptors become readable, each once.
int chost_exit_watch_create(void);
int chost_exit_watch_add(int watch, int pidfd);
void chost_exit_watch_remove(int watch, int pidfd);
/// Waits without limit for ends. Returns how many descriptors were put into `pidfds`.
int chost_exit_watch_wait(int watch, int *pidfds, int capacity);
/// Names the calling thread, for debuggers.
void chost_name_thread(const char *name);
