#define _GNU_SOURCE
#include "ram.h"

#include <sys/mman.h>

#include "bitmap.h"

struct guest_ram guest_ram;

static uint64_t *allocate_bitmap(size_t pages, int visibility) {
    void *map = mmap(NULL, bitmap_bytes(pages), PROT_READ | PROT_WRITE, visibility | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

bool ram_adopt(void *base, size_t bytes) {
    struct guest_ram ram = {.base = base, .bytes = bytes, .pages = bytes / PAGE_BYTES};
    ram.covered_at_start = allocate_bitmap(ram.pages, MAP_PRIVATE);
    ram.covered_by_first = allocate_bitmap(ram.pages, MAP_PRIVATE);
    ram.covered_above_first = allocate_bitmap(ram.pages, MAP_PRIVATE);
    ram.covered_at_mark = allocate_bitmap(ram.pages, MAP_PRIVATE);
    ram.unchanged = allocate_bitmap(ram.pages, MAP_SHARED);
    ram.zero_at_mark = allocate_bitmap(ram.pages, MAP_SHARED);
    ram.written = allocate_bitmap(ram.pages, MAP_SHARED);
    if (!ram.covered_at_start || !ram.covered_by_first || !ram.covered_above_first || !ram.covered_at_mark
        || !ram.unchanged || !ram.zero_at_mark || !ram.written)
        return false;
    guest_ram = ram;
    return true;
}

bool ram_page_is_zero(size_t page) {
    const uint64_t *words = (const uint64_t *)ram_page(page);
    for (size_t i = 0; i < PAGE_BYTES / sizeof *words; i += 8) {
        if (words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] | words[i + 5] | words[i + 6]
            | words[i + 7])
            return false;
    }
    return true;
}
