#define _GNU_SOURCE
#include "layerfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bitmap.h"
#include "ram.h"

/// At most so much at once: for larger writes ext4 takes memory in units of 2 MiB, which on a virtual machine is memory
/// that the host has yet to find. 22 MiB took 33 ms instead of 6 (Linux 6.18).
enum { WRITE_BYTES = 512 << 10 };

/// Longer runs have their blocks allocated at once. Else ext4 books each block by itself, which takes as long as to copy it:
/// 200 MiB took 50 ms instead of 36. A call takes some 10 µs.
enum { EXPECTED_PAGES = 256 };

void layer_expect_run(int fd, size_t first, size_t end) {
    // Best effort; what is wrong with the disk is found when it is written to.
    if (end - first >= EXPECTED_PAGES)
        fallocate(fd, 0, (off_t)(first * PAGE_BYTES), (off_t)((end - first) * PAGE_BYTES));
}

int layer_write_run(int fd, size_t first, size_t end, const char *bytes) {
    size_t start = first * PAGE_BYTES, limit = end * PAGE_BYTES;
    if (!bytes) bytes = ram_page(first);
    for (size_t offset = start; offset < limit;) {
        size_t wanted = limit - offset < WRITE_BYTES ? limit - offset : WRITE_BYTES;
        ssize_t written = pwrite(fd, bytes + (offset - start), wanted, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        offset += (size_t)written;
    }
    return 0;
}

/// Whether the data of the file is exactly [first, end) from `from` on, up to the end of that run.
static bool run_is_data(int fd, size_t from, size_t first, size_t end) {
    off_t data = lseek(fd, (off_t)(from * PAGE_BYTES), SEEK_DATA);
    if (data != (off_t)(first * PAGE_BYTES)) return false;
    return lseek(fd, data, SEEK_HOLE) == (off_t)(end * PAGE_BYTES);
}

int layer_write_pages(int fd, const uint64_t *pages) {
    size_t count = guest_ram.pages;
    for (size_t first = bitmap_next(pages, 0, count, true); first < count;) {
        size_t end = bitmap_next(pages, first, count, false);
        layer_expect_run(fd, first, end);
        int error = layer_write_run(fd, first, end, NULL);
        if (error) return error;
        first = bitmap_next(pages, end, count, true);
    }
    return 0;
}

int layer_check(int fd, const uint64_t *pages, struct layer_size *size) {
    size_t count = guest_ram.pages, from = 0;
    for (size_t first = bitmap_next(pages, 0, count, true); first < count;) {
        size_t end = bitmap_next(pages, first, count, false);
        if (!run_is_data(fd, from, first, end)) return EOPNOTSUPP;
        size->pages += end - first;
        size->extents++;
        from = end;
        first = bitmap_next(pages, end, count, true);
    }
    if (from == count) return 0;
    return lseek(fd, (off_t)(from * PAGE_BYTES), SEEK_DATA) < 0 && errno == ENXIO ? 0 : EOPNOTSUPP;
}

int layer_create(const char *path, int *fd, const char **what) {
    *what = "create";
    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0) return errno;
    // Whoever started the process may have made the file for it, where it cannot make one; nobody has written to it.
    struct stat status;
    int error = fstat(*fd, &status) != 0 ? errno : status.st_size != 0 ? EEXIST : 0;
    if (!error) {
        *what = "size";
        error = ftruncate(*fd, (off_t)guest_ram.bytes) != 0 ? errno : 0;
    }
    if (error) close(*fd);
    return error;
}

void layer_describe(struct layer_size size, uint64_t microseconds, struct text *text) {
    text_add(text, "copied ");
    text_add_number(text, size.pages);
    text_add(text, " ");
    text_add_number(text, size.extents);
    text_add(text, " ");
    text_add_number(text, microseconds);
}
