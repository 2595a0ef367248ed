// The guest RAM of this process: where it is, and what is known about its pages.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES = 4096 };

struct guest_ram {
    char *base;
    size_t bytes;
    size_t pages;
    /// Pages that a layer mapped at the start covers.
    uint64_t *covered_at_start;
    /// Of those, pages that the first, the lowest, of the layers holds.
    uint64_t *covered_by_first;
    /// And pages that a layer above the first holds.
    uint64_t *covered_above_first;
    /// Pages that a layer covers, counting those written by kept freezes that the mark's chain contains.
    uint64_t *covered_at_mark;
    /// Shared with every frozen copy: the mark's holder puts in what did not change since the mark.
    uint64_t *unchanged;
    /// The same, for pages that are zero at the mark: those of them that are zero again need not be saved.
    uint64_t *zero_at_mark;
    /// Shared with every frozen copy: what the latest one wrote into its layer.
    uint64_t *written;
    /// How many mappings the layers needed.
    size_t mappings;
    bool layers_mapped;
    /// Set while or after mapping layers failed: the memory is worth nothing.
    bool broken;
};

extern struct guest_ram guest_ram;

/// Notes where the RAM is and allocates what freezes need, so that a frozen copy need not allocate.
/// Returns false when there is no memory for it.
bool ram_adopt(void *base, size_t bytes);

/// A bitmap of all pages, empty; MAP_SHARED for one that copies share. NULL when there is no memory for it.
uint64_t *ram_bitmap(int visibility);

static inline char *ram_page(size_t page) { return guest_ram.base + page * PAGE_BYTES; }

static inline bool ram_contains(const void *address) {
    return guest_ram.base && (const char *)address >= guest_ram.base
        && (const char *)address < guest_ram.base + guest_ram.bytes;
}

/// Whether all 4096 bytes are zero. Reading does not change how the page is mapped.
bool ram_page_is_zero(size_t page);
