#define _GNU_SOURCE
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "thread.h"

enum { PATH_BYTES = 4096 };

static char file_path[PATH_BYTES], old_path[PATH_BYTES];
static int pipe_end = -1, file = -1;
static off_t file_bytes;
/// Held while bytes are between the pipe and the file, so that the exit finds them in one of the two.
static pthread_mutex_t moving = PTHREAD_MUTEX_INITIALIZER;

static void open_file(void) {
    struct stat status;
    file = open(file_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    file_bytes = file >= 0 && fstat(file, &status) == 0 ? status.st_size : 0;
}

static void rotate(void) {
    if (file >= 0) close(file);
    // When the rename fails the file is cut instead: it must not grow.
    if (rename(file_path, old_path) != 0 && truncate(file_path, 0) != 0) errno = 0;
    open_file();
}

/// Moves what is there. Bytes that cannot be written are dropped, as nobody can be told. Returns false at the end.
static bool move_bytes(void) {
    char bytes[16384];
    ssize_t got = read(pipe_end, bytes, sizeof bytes);
    if (got < 0) return errno == EINTR;
    if (got == 0) return false;
    if (file_bytes + got > CONSOLE_LIMIT_BYTES || file < 0) rotate();
    ssize_t written = file >= 0 ? write(file, bytes, (size_t)got) : -1;
    if (written > 0) file_bytes += written;
    return true;
}

static void *run(void *unused) {
    (void)unused;
    for (;;) {
        struct pollfd wait = {.fd = pipe_end, .events = POLLIN};
        if (poll(&wait, 1, -1) < 0) continue;
        pthread_mutex_lock(&moving);
        move_bytes();
        pthread_mutex_unlock(&moving);
    }
    return NULL;
}

/// The last words of a guest matter most: its panic, or why it powered off.
__attribute__((destructor)) static void drain(void) {
    if (pipe_end < 0) return;
    pthread_mutex_lock(&moving);
    // At most what a pipe holds: other threads may still be writing.
    for (int round = 0; round < 64 && move_bytes(); round++) continue;
}

int console_start(const char *path) {
    int ends[2];
    if ((size_t)snprintf(file_path, sizeof file_path, "%s", path) >= sizeof file_path) return ENAMETOOLONG;
    if ((size_t)snprintf(old_path, sizeof old_path, "%s.1", path) >= sizeof old_path) return ENAMETOOLONG;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return errno;
    // Out of the way of the fixed number first, should the pipe have been given it.
    int reader = fcntl(ends[0], F_DUPFD_CLOEXEC, CONSOLE_FD + 1);
    if (reader < 0 || dup3(ends[1], CONSOLE_FD, O_CLOEXEC) < 0) return errno;
    if (ends[0] != CONSOLE_FD) close(ends[0]);
    if (ends[1] != CONSOLE_FD) close(ends[1]);
    pipe_end = reader;
    open_file();
    if (file < 0) return errno;
    return thread_start("vers-console", run);
}
