// Which pages of guest RAM this process owns, from /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pagemap_bits {
    PAGEMAP_EXCLUSIVE = 56,
    PAGEMAP_FILE = 61,
    PAGEMAP_SWAPPED = 62,
    PAGEMAP_PRESENT = 63,
};

static inline bool pagemap_bit(uint64_t entry, enum pagemap_bits bit) { return entry >> bit & 1; }

/// A page written since its layer (or nothing) was mapped. Includes the shared zero page of a mere read.
static inline bool pagemap_is_own(uint64_t entry) {
    return (pagemap_bit(entry, PAGEMAP_PRESENT) || pagemap_bit(entry, PAGEMAP_SWAPPED))
        && !pagemap_bit(entry, PAGEMAP_FILE);
}

/// An anonymous page that some other process maps too, or the shared zero page.
static inline bool pagemap_is_shared(uint64_t entry) {
    return pagemap_bit(entry, PAGEMAP_PRESENT) && !pagemap_bit(entry, PAGEMAP_FILE)
        && !pagemap_bit(entry, PAGEMAP_EXCLUSIVE);
}

/// An anonymous page that no other process maps.
static inline bool pagemap_is_exclusive(uint64_t entry) {
    return pagemap_bit(entry, PAGEMAP_PRESENT) && !pagemap_bit(entry, PAGEMAP_FILE)
        && pagemap_bit(entry, PAGEMAP_EXCLUSIVE);
}

/// Opens the pagemap of the calling process (not of the one it was forked from). Returns -1 and sets errno.
int pagemap_open(void);

typedef void pagemap_visit(size_t page, uint64_t entry, void *context);

/// Calls `visit` for every page of guest RAM in [first, end) whose entry is not 0. Returns 0, or an errno value.
int pagemap_scan(int pagemap, size_t first, size_t end, pagemap_visit *visit, void *context);

/// The same for all pages.
int pagemap_scan_all(int pagemap, pagemap_visit *visit, void *context);
