#define _GNU_SOURCE
#include "pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ram.h"

enum { ENTRIES = 16384 };

// Frozen copies scan, each in its own memory and with one thread, and the process while it serves one request.
static uint64_t entries[ENTRIES];

int pagemap_open(void) { return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC); }

static int read_entries(int pagemap, size_t page, size_t count) {
    size_t wanted = count * sizeof *entries, have = 0;
    off_t offset = (off_t)(((uintptr_t)guest_ram.base / PAGE_BYTES + page) * sizeof *entries);
    while (have < wanted) {
        ssize_t got = pread(pagemap, (char *)entries + have, wanted - have, offset + (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return EIO;
        have += (size_t)got;
    }
    return 0;
}

int pagemap_scan(int pagemap, size_t first, size_t end, pagemap_visit *visit, void *context) {
    for (size_t page = first; page < end; page += ENTRIES) {
        size_t count = end - page < ENTRIES ? end - page : ENTRIES;
        int error = read_entries(pagemap, page, count);
        if (error) return error;
        for (size_t i = 0; i < count; i++) {
            if (entries[i]) visit(page + i, entries[i], context);
        }
    }
    return 0;
}

int pagemap_scan_all(int pagemap, pagemap_visit *visit, void *context) {
    return pagemap_scan(pagemap, 0, guest_ram.pages, visit, context);
}
