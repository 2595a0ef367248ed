// What is put in front of the C library in a QEMU that this library is preloaded into: the guest RAM file is
// replaced by private memory that saved layers can be mapped over and that a fork can freeze.
//
//   VERS_RAM_FILE     the file that QEMU is told to use as guest RAM; it exists and is never written
//   VERS_RAM_SOCKET   where to serve control.h, relative to the working directory
//   VERS_RAM_TRACKING optional: `off` has freezes fork, as where the kernel does not tell which pages were written
//   VERS_CONSOLE      optional: the file that console.h fills with what QEMU writes to descriptor 6
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "console.h"
#include "control.h"
#include "inherit.h"
#include "interpose.h"
#include "ram.h"
#include "tracking.h"
#include "translation.h"

/// What an emulated guest translates between its restore and its first answer takes about so much.
enum { WARM_UP_BYTES = 8 << 20 };

#define INTERPOSED __attribute__((visibility("default")))

/// The file that a rewound machine's state is read from, while it is.
static atomic_int state_fd = -1;
static struct stat ram_file;
static const char *control_path;

__attribute__((noreturn)) static void give_up(const char *what, int error) {
    fprintf(stderr, "libramlayers: %s: %s\n", what, strerror(error));
    _exit(121);
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("VERS_RAM_FILE");
    control_path = getenv("VERS_RAM_SOCKET");
    if (!path || !control_path) return;
    if (stat(path, &ram_file) != 0) give_up(path, errno);
    const char *tracking = getenv("VERS_RAM_TRACKING");
    if (tracking && strcmp(tracking, "off") == 0) tracking_forbid();
    // The thread that the machine's files are opened in.
    inherit_thread();
    int error = confine_process();
    if (error) give_up("seccomp", error);
    const char *console = getenv("VERS_CONSOLE");
    error = console ? console_start(console) : 0;
    if (error) give_up(console, error);
}

static void *plain_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

static bool is_guest_ram(int fd) {
    struct stat status;
    if (fd < 0 || !ram_file.st_ino || !S_ISREG(ram_file.st_mode)) return false;
    int saved = errno;
    bool same = fstat(fd, &status) == 0 && status.st_dev == ram_file.st_dev && status.st_ino == ram_file.st_ino;
    errno = saved;
    return same;
}

static void *map_guest_ram(void *address, size_t length, int protection, int flags) {
    int fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    void *base = plain_mmap(
        address, length, protection, fixed | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return base;
    syscall(SYS_madvise, base, length, MADV_NOHUGEPAGE);
    if (!ram_adopt(base, length)) give_up("guest RAM", ENOMEM);
    int error = control_start(control_path);
    if (error) give_up(control_path, error);
    return base;
}

INTERPOSED void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    if (!is_guest_ram(fd)) return plain_mmap(address, length, protection, flags, fd, offset);
    if (guest_ram.base || offset != 0 || length % PAGE_BYTES || !(protection & PROT_WRITE)) {
        // Only one mapping can be the guest's memory; another would silently show an empty file.
        errno = EBUSY;
        return MAP_FAILED;
    }
    return map_guest_ram(address, length, protection, flags);
}

INTERPOSED void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap(address, length, protection, flags, fd, offset);
}

/// QEMU's buffer for translated code, if it emulates.
static void *translation_base;
static size_t translation_bytes;

void interpose_warm_up(void) {
    size_t wanted = translation_bytes < WARM_UP_BYTES ? translation_bytes : WARM_UP_BYTES;
    // A kernel before 5.14 has no such advice; the pages come when they are touched, then.
    if (wanted) syscall(SYS_madvise, translation_base, wanted, MADV_POPULATE_WRITE);
}

INTERPOSED int madvise(void *address, size_t length, int advice) {
    bool kept = advice == MADV_DONTDUMP || advice == MADV_DODUMP || advice == MADV_NOHUGEPAGE;
    // Everything else would merge pages, hide them from the fork, or discard what a layer holds.
    if (ram_contains(address) && !kept) return 0;
    // QEMU asks for huge pages for its translation buffer, of which a frozen copy needs nothing.
    if (advice == MADV_HUGEPAGE && !ram_contains(address)) {
        syscall(SYS_madvise, address, length, MADV_DONTFORK);
        translation_base = address;
        translation_bytes = length;
    }
    return (int)syscall(SYS_madvise, address, length, advice);
}

static int plain_open(const char *path, int flags, va_list arguments) {
    bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    mode_t mode = creates ? va_arg(arguments, mode_t) : 0;
    enum control_opening opening = path ? control_opening(path) : CONTROL_PASS;
    if (opening == CONTROL_FAIL) {
        errno = EIO;
        return -1;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (opening == CONTROL_REWOUND) atomic_store(&state_fd, fd);
    return fd;
}

INTERPOSED int close(int fd) {
    // Device state has been loaded.
    if (fd >= 0 && fd == atomic_load_explicit(&state_fd, memory_order_relaxed)) {
        atomic_store(&state_fd, -1);
        translation_cancel_flush();
    }
    return (int)syscall(SYS_close, fd);
}

INTERPOSED int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int fd = plain_open(path, flags, arguments);
    va_end(arguments);
    return fd;
}

INTERPOSED int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int fd = plain_open(path, flags | O_LARGEFILE, arguments);
    va_end(arguments);
    return fd;
}

INTERPOSED int posix_madvise(void *address, size_t length, int advice) {
    if (ram_contains(address)) return 0;
    return madvise(address, length, advice) == 0 ? 0 : errno;
}
