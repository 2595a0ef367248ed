#include "delta.h"

#include <stdbool.h>
#include <string.h>

#include "bitmap.h"
#include "pagemap.h"
#include "ram.h"

const uint64_t *delta_underneath(enum delta delta) {
    switch (delta) {
    case DELTA_SINCE_MARK: return guest_ram.covered_at_mark;
    case DELTA_SINCE_START: return guest_ram.covered_at_start;
    case DELTA_SINCE_FIRST: return guest_ram.covered_by_first;
    case DELTA_EVERYTHING: break;
    }
    return NULL;
}

/// The pages that layers hold which a new one of this kind takes the place of. NULL where there are none.
static const uint64_t *replaced(enum delta delta) {
    switch (delta) {
    case DELTA_SINCE_FIRST: return guest_ram.covered_above_first;
    case DELTA_EVERYTHING: return guest_ram.covered_at_start;
    case DELTA_SINCE_MARK:
    case DELTA_SINCE_START: break;
    }
    return NULL;
}

/// Zero over nothing is nothing. A guest that frees or clears memory leaves many of these.
static bool is_needed(size_t page, const uint64_t *underneath) {
    bool hides = underneath && bitmap_get(underneath, page) && !bitmap_get(guest_ram.zero_at_mark, page);
    return hides || !ram_page_is_zero(page);
}

static void choose(size_t page, const uint64_t *underneath) {
    if (is_needed(page, underneath)) bitmap_set(guest_ram.written, page);
}

static void choose_own(size_t page, uint64_t entry, void *underneath) {
    if (pagemap_is_own(entry) && !bitmap_get(guest_ram.unchanged, page)) choose(page, underneath);
}

void delta_forget_unchanged(void) {
    memset(guest_ram.unchanged, 0, bitmap_bytes(guest_ram.pages));
    memset(guest_ram.zero_at_mark, 0, bitmap_bytes(guest_ram.pages));
}

int delta_choose_own(int pagemap, enum delta delta) {
    memset(guest_ram.written, 0, bitmap_bytes(guest_ram.pages));
    const uint64_t *underneath = delta_underneath(delta), *above = replaced(delta);
    int error = pagemap_scan_all(pagemap, choose_own, (void *)underneath);
    if (error || !above) return error;
    // Of these the process owns what it has written; what it has not is their layer's, and may not be mapped yet.
    for (size_t page = bitmap_next(above, 0, guest_ram.pages, true); page < guest_ram.pages;
         page = bitmap_next(above, page + 1, guest_ram.pages, true)) {
        if (!bitmap_get(guest_ram.written, page)) choose(page, underneath);
    }
    return 0;
}

void delta_choose_changed(const uint64_t *changed) {
    memset(guest_ram.written, 0, bitmap_bytes(guest_ram.pages));
    const uint64_t *underneath = delta_underneath(DELTA_SINCE_MARK);
    for (size_t page = bitmap_next(changed, 0, guest_ram.pages, true); page < guest_ram.pages;
         page = bitmap_next(changed, page + 1, guest_ram.pages, true))
        choose(page, underneath);
}

void delta_drop_empty(uint64_t *pages, enum delta delta) {
    const uint64_t *underneath = delta_underneath(delta);
    for (size_t page = bitmap_next(pages, 0, guest_ram.pages, true); page < guest_ram.pages;
         page = bitmap_next(pages, page + 1, guest_ram.pages, true)) {
        if (!bitmap_get(guest_ram.written, page) && !is_needed(page, underneath)) bitmap_clear(pages, page);
    }
}
