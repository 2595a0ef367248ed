#define _GNU_SOURCE
#include "tracking.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "bitmap.h"
#include "pagemap.h"
#include "ram.h"

enum { REGIONS_MAX = 4096 };

// Linux 6.7's, for the headers of older ones.
enum { WRITE_PROTECTION_IS_ASYNCHRONOUS = 1 << 15, USER_FAULTS_ONLY = 1 };
enum { IS_WRITTEN = 1 << 1, IS_PRESENT = 1 << 3, IS_SWAPPED = 1 << 4 };
enum { PROTECT_MATCHING = 1 << 0, FAIL_IF_UNTRACKED = 1 << 1 };

struct region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

struct scan {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t regions;
    uint64_t regions_length;
    uint64_t pages_max;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_any_of_mask;
    uint64_t return_mask;
};

#define SCAN _IOWR('f', 16, struct scan)

static enum { UNKNOWN, IMPOSSIBLE, TRACKING } state;
static int pagemap = -1;
static struct region regions[REGIONS_MAX];
/// Pages that this process was seen to own: it does for good.
static uint64_t *owned;

/// Protects guest RAM, and lets the kernel take the protection off by itself. What faults in the kernel needs no privilege
/// either, as nobody is to handle it.
static bool watch_ram(void) {
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | USER_FAULTS_ONLY);
    if (fd < 0) return false;
    struct uffdio_api api = {.api = UFFD_API, .features = WRITE_PROTECTION_IS_ASYNCHRONOUS};
    struct uffdio_register range = {
        .range = {.start = (uint64_t)guest_ram.base, .len = guest_ram.bytes},
        .mode = UFFDIO_REGISTER_MODE_WP,
    };
    // The descriptor stays open: what it watches ends with it.
    if (ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0) return true;
    close(fd);
    return false;
}

/// Protects what matches, and adds it to `written`, unless that is NULL.
static int scan(uint64_t categories, uint64_t *written, size_t *count) {
    struct scan scan = {
        .size = sizeof scan,
        .flags = PROTECT_MATCHING | FAIL_IF_UNTRACKED,
        .start = (uint64_t)guest_ram.base,
        .end = (uint64_t)guest_ram.base + guest_ram.bytes,
        .regions = (uint64_t)regions,
        .regions_length = REGIONS_MAX,
        .category_mask = categories,
        // What is not there was not written, though it is not protected either.
        .category_any_of_mask = IS_PRESENT | IS_SWAPPED,
        .return_mask = IS_PRESENT | IS_SWAPPED,
    };
    while (scan.start < scan.end) {
        int found = ioctl(pagemap, SCAN, &scan);
        if (found < 0 && errno == EINTR) continue;
        if (found < 0) return errno;
        for (int i = 0; i < found; i++) {
            size_t first = (regions[i].start - (uint64_t)guest_ram.base) / PAGE_BYTES;
            size_t end = (regions[i].end - (uint64_t)guest_ram.base) / PAGE_BYTES;
            for (size_t page = first; written && page < end; page++) bitmap_set(written, page);
            *count += end - first;
        }
        if (scan.walk_end <= scan.start) return EIO;
        scan.start = scan.walk_end;
    }
    return 0;
}

void tracking_forbid(void) { state = IMPOSSIBLE; }

bool tracking_start(void) {
    if (state != UNKNOWN) return state == TRACKING;
    state = IMPOSSIBLE;
    pagemap = pagemap_open();
    owned = ram_bitmap(MAP_PRIVATE);
    size_t ignored = 0;
    if (pagemap < 0 || !owned || !watch_ram() || scan(0, NULL, &ignored) != 0) return false;
    state = TRACKING;
    return true;
}

int tracking_collect(uint64_t *written, size_t *count) {
    *count = 0;
    int error = scan(IS_WRITTEN, written, count);
    if (error) state = IMPOSSIBLE;
    return error;
}

static void judge(size_t page, uint64_t entry, void *pages) {
    if (pagemap_is_own(entry)) bitmap_set(owned, page);
    else bitmap_clear(pages, page);
}

int tracking_drop_read(uint64_t *pages) {
    size_t page = bitmap_next(pages, 0, guest_ram.pages, true);
    while (page < guest_ram.pages) {
        size_t end = page;
        while (end < guest_ram.pages && bitmap_get(pages, end) && !bitmap_get(owned, end)) end++;
        int error = pagemap_scan(pagemap, page, end, judge, pages);
        if (error) return error;
        page = bitmap_next(pages, end > page ? end : page + 1, guest_ram.pages, true);
    }
    return 0;
}

int tracking_pagemap(void) { return pagemap; }
