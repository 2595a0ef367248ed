#define _GNU_SOURCE
#include "ram.h"

#include <sys/mman.h>

#include "bitmap.h"

struct guest_ram guest_ram;

uint64_t *ram_bitmap(int visibility) {
    size_t bytes = bitmap_bytes(guest_ram.pages);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, visibility | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

bool ram_adopt(void *base, size_t bytes) {
    guest_ram = (struct guest_ram){.base = base, .bytes = bytes, .pages = bytes / PAGE_BYTES};
    guest_ram.covered_at_start = ram_bitmap(MAP_PRIVATE);
    guest_ram.covered_by_first = ram_bitmap(MAP_PRIVATE);
    guest_ram.covered_above_first = ram_bitmap(MAP_PRIVATE);
    guest_ram.covered_at_mark = ram_bitmap(MAP_PRIVATE);
    guest_ram.unchanged = ram_bitmap(MAP_SHARED);
    guest_ram.zero_at_mark = ram_bitmap(MAP_SHARED);
    guest_ram.written = ram_bitmap(MAP_SHARED);
    return guest_ram.covered_at_start && guest_ram.covered_by_first && guest_ram.covered_above_first
        && guest_ram.covered_at_mark && guest_ram.unchanged && guest_ram.zero_at_mark && guest_ram.written;
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
